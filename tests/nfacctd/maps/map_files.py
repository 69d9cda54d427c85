"""Map files for tests."""

from pathlib import Path

import pytest

from collector.nfacctd.maps.syntax import MapError


def write_map(directory: Path, *lines: str) -> str:
    path = directory / "test.map"
    path.write_text("".join(line + "\n" for line in lines))
    return str(path)


def mistakes_of(load: object, directory: Path, *lines: str) -> list[str]:
    """Load a map that has mistakes; returns them without the file's name."""
    path = write_map(directory, *lines)
    with pytest.raises(MapError) as told:
        load(path)
    assert all(mistake.startswith(path + ":") for mistake in told.value.mistakes)
    return [mistake.removeprefix(path + ":") for mistake in told.value.mistakes]
