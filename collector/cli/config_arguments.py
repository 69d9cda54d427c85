"""Arguments that name the configuration or replace parts of it, and how mistakes are printed."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collector.config.load import NO_OVERRIDES, Overrides, default_config, load_file
from collector.config.model import Config
from collector.config.schema import LOG_LEVELS
from collector.errors import ConfigError

EXIT_MISTAKES = 2


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--config``."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="TOML; every key is explained in config/collector.toml (default: no file)",
    )


def add_override_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what replaces parts of the file."""
    parser.add_argument(
        "--output",
        metavar="WHERE",
        help="send all records to kafka://HOST:PORT[,HOST:PORT]/PREFIX, file:PATH or stdout, "
        "in place of the outputs configured (without a file: stdout)",
    )
    parser.add_argument(
        "--workers", metavar="N", type=int, help="worker processes (default: one for each core)"
    )
    parser.add_argument("--log-level", choices=LOG_LEVELS, help="how much to log (default: info)")


def overrides_of(args: argparse.Namespace) -> Overrides:
    """Give what the command line says in place of the file."""
    return Overrides(args.workers, args.log_level, args.output)


def read_config(path: str | None, overrides: Overrides = NO_OVERRIDES) -> Config:
    """Read the configuration, or make the one of a service without a file.

    Raises:
        ConfigError: all mistakes at once.
    """
    if path is None:
        return default_config(overrides=overrides)
    return load_file(path, overrides, _read_nfacctd)


def _read_nfacctd(document: Mapping[str, Any], directory: Path) -> tuple[dict[str, Any], list[str]]:
    # Only here: who has no such table shall not wait for what reads it.
    from collector.nfacctd.read_table import read_table  # noqa: PLC0415

    return read_table(document, directory)


def print_mistakes(path: str | None, error: ConfigError) -> None:
    """Print all mistakes on standard error, under one line that counts them."""
    count = len(error.mistakes)
    print(f"{path or 'collector'}: {count} mistake{'s' if count > 1 else ''}", file=sys.stderr)
    for mistake in error.mistakes:
        print(f"  {mistake}", file=sys.stderr)
