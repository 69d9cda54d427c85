"""`pidfile`: the process id of the service, for those who send it signals."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from collector.errors import ConfigError


@contextmanager
def pid_file(path: str | None) -> Iterator[None]:
    """Keep the process id in a file as long as the block runs; None: in none.

    Raises:
        ConfigError: the file cannot be written.
    """
    if path is None:
        yield
        return
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(f"{os.getpid()}\n", "ascii")
    except OSError as error:
        raise ConfigError([f"pidfile {path}: {error.strerror}"]) from error
    try:
        yield
    finally:
        with suppress(OSError):
            Path(path).unlink()
