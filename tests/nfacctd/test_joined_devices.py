"""Exporters that take another device's routes are steered to its worker."""

from pathlib import Path

import pytest

from collector.config.model import DeviceTable
from collector.nfacctd.joined_devices import joined_devices
from collector.steering.classic_bpf import steering_program
from collector.steering.slots import SlotTable


def _joined(directory: Path, *rows: str) -> dict[str, str | None]:
    path = directory / "agents.map"
    path.write_text("\n".join(rows))
    devices = joined_devices(str(path))
    assert all(isinstance(device, DeviceTable) for device in devices)
    return {device.addresses[0]: device.rib_of for device in devices}


@pytest.mark.parametrize("key", ["bmp_ip", "bgp_ip", "id"])
def test_rows_of_one_address(tmp_path: Path, key: str) -> None:
    rows = (f"{key}=192.0.2.1 ip=192.0.2.2", f"ip=2001:DB8::2 {key}=::ffff:192.0.2.1 in=3")
    assert _joined(tmp_path, *rows) == {"192.0.2.2": "192.0.2.1", "2001:db8::2": "192.0.2.1"}


def test_the_first_row_of_an_address_counts(tmp_path: Path) -> None:
    rows = ("! comment", "bmp_ip=192.0.2.1 ip=192.0.2.9 in=1", "bmp_ip=192.0.2.2 ip=192.0.2.9")
    assert _joined(tmp_path, *rows) == {"192.0.2.9": "192.0.2.1"}


def test_what_says_nothing_before_the_first_packet_is_left_out(tmp_path: Path) -> None:
    rows = ("bmp_ip=192.0.2.1 ip=192.0.2.0/24", "bmp_ip=192.0.2.1", "ip=192.0.2.1", "x", "'")
    assert _joined(tmp_path, *rows, "bmp_ip=192.0.2.7 ip=192.0.2.7") == {}
    assert joined_devices(None) == joined_devices(f"{tmp_path}/none") == ()


def test_chains_and_circles_end_in_one_place(tmp_path: Path) -> None:
    chain = ("bmp_ip=10.0.0.2 ip=10.0.0.1", "bmp_ip=10.0.0.3 ip=10.0.0.2")
    assert _joined(tmp_path, *chain) == {"10.0.0.1": "10.0.0.3", "10.0.0.2": "10.0.0.3"}
    circle = (*chain, "bmp_ip=10.0.0.2 ip=10.0.0.3")
    assert _joined(tmp_path, *circle) == {"10.0.0.1": "10.0.0.2", "10.0.0.3": "10.0.0.2"}


def test_more_than_steering_holds_are_none(tmp_path: Path) -> None:
    rows = [f"bmp_ip=192.0.2.1 ip=2001:db8:{n:x}::1" for n in range(1001)]
    held = next(n for n in range(1001, 0, -100) if _joined(tmp_path, *rows[:n]))
    joined = _joined(tmp_path, *rows[:held])
    assert 300 <= len(joined) < 1001
    steering_program(SlotTable(4, {}, joined), None)  # classic BPF, the smaller of the two
