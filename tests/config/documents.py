"""Short ways to read a configuration in a test."""

from pathlib import Path

import pytest

from collector.config.load import Overrides, load_text
from collector.config.model import Config
from collector.errors import ConfigError

_NOWHERE = Path("/nonexistent")

KAFKA = '[[output]]\nname = "kafka"\ntype = "kafka"\nbrokers = ["192.0.2.1:9092"]\n'


def load(text: str, directory: Path = _NOWHERE, **overrides: object) -> Config:
    """Load a text that has no mistakes."""
    return load_text(text, directory, Overrides(**overrides))


def mistakes_of(text: str, directory: Path = _NOWHERE, **overrides: object) -> list[str]:
    """Load a text that has mistakes; give them."""
    with pytest.raises(ConfigError) as caught:
        load_text(text, directory, Overrides(**overrides))
    return caught.value.mistakes
