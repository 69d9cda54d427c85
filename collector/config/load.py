"""The operator's TOML in, a validated configuration out, or all of its mistakes at once."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from collector.config.check_devices import check_devices, first_addresses
from collector.config.check_nfacctd import NFACCTD, without_effect
from collector.config.check_outputs import check_outputs
from collector.config.check_publishing import check_publishing
from collector.config.check_sockets import check_sockets
from collector.config.defaults import apply_output, complete
from collector.config.draft import Draft, read_document
from collector.config.files import FileError, read_text
from collector.config.model import Config
from collector.config.record_columns import RecordColumns, check_aggregates, check_elements
from collector.config.schema import schema
from collector.config.values import printable
from collector.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says in place of the file; None: nothing."""

    workers: int | None = None
    log_level: str | None = None
    output: str | None = None


NO_OVERRIDES = Overrides()

ReadNfacctd = Callable[[Mapping[str, Any], Path], tuple[dict[str, Any], list[str]]]
"""Reads the table [nfacctd] of a document: gives `Config.nfacctd`, and its mistakes."""


def load_file(
    path: str | Path,
    overrides: Overrides = NO_OVERRIDES,
    read_nfacctd: ReadNfacctd | None = None,
) -> Config:
    """Read a configuration file; relative paths in it start at its directory.

    Args:
        read_nfacctd: without it [nfacctd] is no table that is known.

    Raises:
        ConfigError: all mistakes at once, one line each.
    """
    try:
        text = read_text(Path(path))
    except FileError as error:
        raise ConfigError([f"{path}: {error}"]) from error
    return load_text(text, Path(path).absolute().parent, overrides, read_nfacctd)


def load_text(
    text: str,
    directory: Path,
    overrides: Overrides = NO_OVERRIDES,
    read_nfacctd: ReadNfacctd | None = None,
) -> Config:
    """Read the text of a configuration file that stands, or could stand, in ``directory``.

    Raises:
        ConfigError: all mistakes at once, one line each.
    """
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise ConfigError(["the file nests too deeply"]) from None
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        raise ConfigError([f"no TOML: {error}"]) from error
    return load_document(document, directory, overrides, read_nfacctd)


def default_config(output: str | None = None, overrides: Overrides = NO_OVERRIDES) -> Config:
    """Give the configuration of a service without a file.

    It listens on 4739/udp and 1790/tcp with a worker for each core, and prints records as JSON.

    Args:
        output: where records go instead, see `apply_output`.

    Raises:
        ConfigError: what the command line says is wrong.
    """
    return load_document({}, Path.cwd(), replace(overrides, output=output or overrides.output))


def load_document(
    document: dict[str, Any],
    directory: Path,
    overrides: Overrides = NO_OVERRIDES,
    read_nfacctd: ReadNfacctd | None = None,
) -> Config:
    """Read a configuration from what TOML says, as dictionaries, lists and values.

    Raises:
        ConfigError: all mistakes at once, one line each.
    """
    draft = read_document(_native(document, overrides, read_nfacctd), schema(directory))
    draft.mistakes += _contradictions(draft)
    nfacctd = None
    if read_nfacctd is not None and NFACCTD in document:
        draft.mistakes += without_effect(document, overrides.output)
        nfacctd, mistakes = read_nfacctd(document, directory)
        draft.mistakes += mistakes
    config = None
    try:
        if not draft.mistakes:
            _name_devices(draft)
            config = complete(replace(draft.config(), nfacctd=nfacctd))
        if overrides.output is not None and nfacctd is None:
            config = apply_output(config or Config(), overrides.output)
    except ConfigError as error:
        draft.mistakes += error.mistakes
    if config is None or draft.mistakes:
        # Names of files and columns, and what libraries say of them, may hold anything.
        raise ConfigError(list(map(printable, draft.mistakes)))
    return config


def _native(
    document: dict[str, Any], overrides: Overrides, read_nfacctd: ReadNfacctd | None
) -> dict[str, Any]:
    """Take what has tables in `schema.py`, with what the command line says in its place."""
    if read_nfacctd is not None:
        document = {name: value for name, value in document.items() if name != NFACCTD}
    said = {"workers": overrides.workers, "log_level": overrides.log_level}
    said = {key: value for key, value in said.items() if value is not None}
    table = document.get("collector", {})
    if not said or not isinstance(table, dict):
        return document
    return document | {"collector": table | said}


def _contradictions(draft: Draft) -> Iterator[str]:
    columns = RecordColumns(draft.tables["flow"])
    yield from check_sockets(draft)
    yield from check_devices(draft)
    yield from check_elements(draft, columns)
    yield from check_aggregates(draft, columns)
    yield from check_outputs(draft)
    yield from check_publishing(draft, columns)


def _name_devices(draft: Draft) -> None:
    """Let references to a device name its first address, by which everything else knows it."""
    names = first_addresses(draft)
    for table, key in (("device", "rib_of"), ("rd", "device")):
        for entry in draft.lists[table]:
            if entry[key] is not None:
                entry.values[key] = names.get(entry[key], entry[key])
