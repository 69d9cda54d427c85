"""Addresses to exporters, exporters to devices, devices to whose tables answer."""

import numpy as np
import pytest

from collector.metrics import Counters
from collector.pipeline import devices
from collector.pipeline.devices import DeviceDirectory, DeviceSettings

FIRST, SECOND, OTHER = "192.0.2.1", "2001:db8::1", "192.0.2.9"


def names_of(directory: DeviceDirectory, *addresses: str) -> list[str]:
    exporters = [directory.exporter(address) for address in addresses]
    found = directory.devices(np.array(exporters, np.uint32))
    return [directory.names[index] for index in found.tolist()]


def test_an_address_is_its_own_device_unless_it_is_listed() -> None:
    directory = DeviceDirectory([DeviceSettings((FIRST, SECOND))], Counters())
    assert names_of(directory, SECOND, OTHER, FIRST, SECOND) == [FIRST, OTHER, FIRST, FIRST]
    assert directory.device_of(SECOND) == FIRST


def test_indices_stay_when_settings_change() -> None:
    directory = DeviceDirectory([], Counters())
    before = [directory.exporter(address) for address in (SECOND, OTHER)]
    directory.configure([DeviceSettings((FIRST, SECOND), sampling_rate=7)])
    assert [directory.exporter(address) for address in (SECOND, OTHER)] == before
    assert names_of(directory, SECOND, OTHER) == [FIRST, OTHER]
    settings = directory.settings(FIRST)
    assert settings is not None
    assert settings.sampling_rate == 7
    directory.configure([])
    assert names_of(directory, SECOND) == [SECOND]
    assert directory.settings(FIRST) is None


def test_whose_tables_answer() -> None:
    listed = [
        DeviceSettings((FIRST, SECOND), rib_of="192.0.2.201"),
        DeviceSettings(("192.0.2.200", "192.0.2.201")),
    ]
    directory = DeviceDirectory(listed, Counters())
    assert directory.rib_device_of(SECOND) == "192.0.2.200"
    assert directory.rib_device_of("192.0.2.201") == "192.0.2.200"
    assert directory.rib_device_of(OTHER) == OTHER


def test_addresses_past_the_limit_are_refused_but_not_the_operator_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(devices, "MAX_EXPORTERS", 20)
    counters = Counters()
    directory = DeviceDirectory([], counters)
    known = [directory.exporter(f"10.0.0.{number}") for number in range(30)]
    assert known == [*range(20), *[None] * 10]
    assert counters["exporters_refused"] == 10
    directory.configure([DeviceSettings((FIRST, "10.0.0.7"))])
    assert names_of(directory, "10.0.0.7", "10.0.0.19") == [FIRST, "10.0.0.19"]


def test_many_addresses_of_many_devices() -> None:
    listed = [DeviceSettings((f"10.1.0.{n}", f"10.2.0.{n}")) for n in range(250)]
    directory = DeviceDirectory(listed, Counters())
    addresses = [f"10.{net}.0.{n}" for n in range(250) for net in (2, 1, 3)]
    wanted = [f"10.{net}.0.{n}" for n in range(250) for net in (1, 1, 3)]
    assert names_of(directory, *addresses) == wanted
