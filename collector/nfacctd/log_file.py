"""`logfile`: standard error as a file, opened again when it was rotated.

The file takes the place of descriptor 2, so that everything that writes there, workers too, is in
it; each process opens its own again on SIGHUP.
"""

import logging
import os
from pathlib import Path

from collector.errors import ConfigError

_STANDARD_ERROR = 2
_MODE = 0o666  # less the umask

_log = logging.getLogger(__name__)


def open_log_file(path: str) -> None:
    """Send standard error of this process, and of those it starts, to the end of a file.

    Raises:
        ConfigError: the file cannot be opened.
    """
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _MODE)
    except OSError as error:
        raise ConfigError([f"logfile {path}: {error.strerror}"]) from error
    try:
        os.dup2(opened, _STANDARD_ERROR)
    finally:
        os.close(opened)


def reopen_log_file(path: str) -> None:
    """Open the file anew after it was rotated; where that fails the old one goes on."""
    try:
        open_log_file(path)
    except ConfigError as error:
        _log.error("%s", error)
    else:
        _log.info("%s opened again", path)
