"""`--explain`: what becomes of each key of a configuration, then the native one that does the same.

All of it is TOML: what is told of keys stands in comments.
"""

from collections.abc import Iterator

from collector.config.model import Config
from collector.config.values import printable
from collector.nfacctd.native_toml import to_toml
from collector.nfacctd.read_settings import Reading


def explain(reading: Reading, path: str, native: Config) -> str:
    """Write the explanation.

    Args:
        path: how it names the configuration.
        native: what the service runs by.
    """
    told = "\n".join(printable(f"# {line}".rstrip()) for line in _lines(reading, path))
    return f"{told}\n\n{to_toml(native)}"


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
    yield "The same as native configuration: `collector run --config FILE` makes the same records"
    yield "of it. What librdkafka's file says stays there; lists of allowed senders are as they"
    yield "were when this was written."
