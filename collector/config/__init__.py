"""The operator's TOML, validated as a whole."""
