"""What the service does where the operator says nothing, and what the command line says instead."""

from dataclasses import replace
from pathlib import Path

from collector.config.check_publishing import STDOUT, shared_file_mistakes
from collector.config.files import FileError, check_appendable
from collector.config.model import DEFAULT_PORTS, Config, ListenTable, OutputTable, PublishTable
from collector.config.values import BadValue, broker, file_name_of, topic
from collector.errors import ConfigError

_FORMS = '"kafka://HOST:PORT[,HOST:PORT]/PREFIX", "file:PATH" or "stdout"'


def complete(config: Config) -> Config:
    """Fill in what is absent: both listening addresses, standard output, everything published."""
    listen = config.listen or tuple(ListenTable(kind) for kind in DEFAULT_PORTS)
    listen = tuple(replace(entry, port=entry.port or DEFAULT_PORTS[entry.kind]) for entry in listen)
    if config.nfacctd is not None:  # it says what is published
        return replace(config, listen=listen)
    output = config.output or (STDOUT,)
    records = [entry.name for entry in config.aggregate] or ["flow"]
    publish = config.publish or tuple(
        PublishTable(name, entry.name) for entry in output for name in (*records, "bmp")
    )
    return replace(config, listen=listen, output=output, publish=publish)


def apply_output(config: Config, text: str) -> Config:
    """Send everything that is published to one place, which replaces the outputs configured.

    Args:
        text: ``kafka://HOST:PORT[,HOST:PORT]/PREFIX``, ``file:PATH`` (from the working directory)
            or ``stdout``.

    Raises:
        ConfigError: it is none of these, or records of differing formats would share a file.
    """
    output = _output_of(text)
    # Standard output is for people; elsewhere records keep their forms.
    forms = {"format": "json"} if output.type == "stdout" else {}
    publish = dict.fromkeys(replace(entry, output=output.name, **forms) for entry in config.publish)
    labelled = [(f'[[publish]] "{entry.records}"', entry, output) for entry in publish]
    if mistakes := [f"--output {text}: {line}" for line in shared_file_mistakes(labelled)]:
        raise ConfigError(mistakes)
    return replace(config, output=(output,), publish=tuple(publish))


def _output_of(text: str) -> OutputTable:
    scheme, _, rest = text.partition(":")
    try:
        if text == "stdout":
            return STDOUT
        if scheme == "file" and rest:
            return _file_output(rest)
        if scheme == "kafka" and rest.startswith("//"):
            return _kafka_output(rest[2:])
    except BadValue as error:
        raise ConfigError(
            [f'--output {text}: "{part}" {reason}' for _, part, reason in error.faults]
        ) from None
    raise ConfigError([f"--output {text}: must be {_FORMS}"])


def _file_output(path: str) -> OutputTable:
    file_name_of(("slot", "topic"))(path)
    try:
        check_appendable(Path(path))
    except FileError as error:
        raise BadValue.of(path, str(error)) from None
    return OutputTable("file", "file", path=path)


def _kafka_output(rest: str) -> OutputTable:
    brokers, _, prefix = rest.partition("/")
    table = OutputTable("kafka", "kafka", brokers=tuple(map(broker, brokers.split(","))))
    return replace(table, prefix=topic(prefix)) if prefix else table
