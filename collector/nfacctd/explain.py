"""`--explain`: what becomes of each key of a configuration, then the native one that is nearest.

All of it is TOML: what is told of keys stands in comments.
"""

from collections.abc import Iterator

from collector.config.values import printable
from collector.nfacctd.equivalent import equivalent
from collector.nfacctd.maps.custom_primitives import load_custom_primitives
from collector.nfacctd.native_toml import to_toml
from collector.nfacctd.read_settings import Reading


def explain(reading: Reading, path: str) -> str:
    """Write the explanation.

    Args:
        path: how it names the configuration.

    Raises:
        ConfigError: the file of custom primitives is gone since it was read.
    """
    settings = reading.settings
    custom = ()
    if settings.aggregate_primitives is not None:
        custom = load_custom_primitives(settings.aggregate_primitives)
    native = equivalent(settings, custom)
    told = "\n".join(printable(f"# {line}".rstrip()) for line in _lines(reading, path))
    return f"{told}\n\n{to_toml(native.config, native.remarks)}"


def _lines(reading: Reading, path: str) -> Iterator[str]:
    yield f"{path}, key by key:"
    for judgement in reading.judgements:
        yield f"{judgement.line.written} -- {judgement.sentence}"
    for file in reading.properties:
        for entry in file.properties:
            yield f"{file.path}: {entry.written} -- {entry.sentence}"
    for warning in reading.warnings:
        yield f"warning: {warning}"
    yield ""
    yield "The native configuration that comes nearest (names of columns are IANA's):"
