"""Files that the configuration names: readable, and of a size that a file of its kind has."""

import os
import stat
from pathlib import Path

_MAX_OCTETS = 16 << 20


class FileError(Exception):
    """A file is not there, or not what it should be; the text says why."""


def read_text(path: Path) -> str:
    """Read a whole UTF-8 file.

    Raises:
        FileError: it cannot be read, is no file, or is far too large.
    """
    try:
        # Without O_NONBLOCK a named pipe would make us wait for its writer.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise FileError("is no file")
            octets = file.read(_MAX_OCTETS + 1)
    except OSError as error:
        raise FileError(error.strerror or str(error)) from error
    if len(octets) > _MAX_OCTETS:
        raise FileError(f"is larger than {_MAX_OCTETS >> 20} MiB")
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise FileError(f"is not UTF-8 text at octet {error.start}") from error


def check_appendable(path: Path) -> None:
    """Find out whether a file can be made or appended to, without making it.

    Its directories are made with it, so the nearest one that is there decides.

    Raises:
        FileError: it cannot, as far as one can tell.
    """
    for place in (path, *path.parents):
        try:
            mode = place.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise FileError(f"{place}: {error.strerror}") from error
        _check_place(place, stat.S_ISDIR(mode), is_target=place is path)
        return


def _check_place(place: Path, is_directory: bool, is_target: bool) -> None:
    if is_target and is_directory:
        raise FileError("is a directory")
    if not is_target and not is_directory:
        raise FileError(f"{place} is no directory")
    if not os.access(place, os.W_OK | (os.X_OK if is_directory else 0)):
        raise FileError("may not be written" if is_target else f"{place} may not be written")
