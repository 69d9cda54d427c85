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
    yield "The same as native configuration, for `collector run --config FILE`; what else there is"
    yield "tells config/collector.toml."
    settings = reading.settings
    for file in reading.properties:
        if file.found:
            if file.mistakes:
                yield f"{file.path} has mistakes, and `run` ends at them."
            yield f"{file.path} is named, and what it says, passwords too, not repeated."
    if (settings.allow, settings.bmp.allow) != (None, None):
        yield "Lists of allowed senders are as their files have them now."
    if settings.agent_map is not None:
        yield "bmp_agent_map: each [[device]] brings an exporter to the worker that has its routes;"
        yield "rows of whole prefixes need one for each exporter, or workers = 1."
