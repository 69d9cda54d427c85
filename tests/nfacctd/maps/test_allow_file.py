"""nfacctd_allow_file and bmp_daemon_allow_file."""

from pathlib import Path

from collector.nfacctd.maps.allow_file import load_allow_file
from tests.nfacctd.maps.map_files import mistakes_of, write_map


def test_addresses_and_prefixes_of_both_versions(tmp_path: Path) -> None:
    path = write_map(tmp_path, "! who", "192.0.2.1", "198.51.100.7/24", "2001:DB8::/32", "::1")
    assert load_allow_file(path) == (
        *("192.0.2.1/32", "198.51.100.0/24", "2001:db8::/32", "::1/128"),
    )


def test_empty_file_allows_nobody(tmp_path: Path) -> None:
    assert load_allow_file(write_map(tmp_path, "! nobody")) == ()


def test_mistakes_are_told_all_at_once(tmp_path: Path) -> None:
    assert mistakes_of(load_allow_file, tmp_path, "router", "192.0.2.1", "10.0.0.0/40") == [
        "1: 'router' is no IP address",
        "3: 40 is not from 0 to 32",
    ]
