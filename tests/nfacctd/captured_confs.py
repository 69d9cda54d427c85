"""nfacctd's configurations of real captures, with their maps."""

from pathlib import Path

from tests.captures import captures_dir

_MAPS = {
    "pre_tag_map": "pretag",
    "bmp_daemon_tag_map": "pretag",
    "flow_to_rd_map": "f2rd",
    "sampling_map": "sampling",
    "aggregate_primitives": "custom-primitives",
}


def with_maps_in_place(conf: Path, directory: Path) -> Path:
    """Write a capture's configuration with the names of its maps as they are here."""
    case = next(parent for parent in conf.parents if parent.parent == captures_dir())
    rows = []
    for row in conf.read_text().splitlines():
        key = row.partition(":")[0].strip()
        if key in _MAPS:
            name = f"{_MAPS[key]}-00.map"
            (found,) = [
                path for path in (conf.parent / name, case / "pmacct_mount" / name) if path.exists()
            ][:1]
            row = f"{key}: {found}"
        rows.append(row)
    written = directory / "nfacctd.conf"
    written.write_text("\n".join(rows))
    return written
