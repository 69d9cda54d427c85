"""Who is who: addresses to exporters, exporters to devices, devices to the tables that answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collector.metrics import Counters, register
from collector.rib.view import View

register(exporters_refused="addresses past the limit on exporters; their datagrams are dropped")

# An address may be forged, and each one costs memory for as long as the worker lives.
MAX_EXPORTERS = 65_536


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """What the operator says of one device; its first address is its name."""

    addresses: tuple[str, ...]
    rib_of: str | None = None
    views: tuple[View, ...] | None = None
    sampling_rate: int | None = None


class DeviceDirectory:
    """Addresses as they arrive, by small integers.

    Attributes:
        names: address text of each exporter or device, by index. A device that is listed in the
            configuration has an index too, whether or not datagrams come from that very address.
    """

    def __init__(self, devices: Sequence[DeviceSettings], counters: Counters) -> None:
        self.names: list[str] = []
        self._counters = counters
        self._index: dict[str, int] = {}
        self._device = np.zeros(16, np.uint32)
        self._alias: dict[str, str] = {}
        self._settings: dict[str, DeviceSettings] = {}
        self.configure(devices)

    def configure(self, devices: Sequence[DeviceSettings]) -> None:
        """Take (new) settings; exporters that are known already are assigned anew."""
        self._alias = {
            address: device.addresses[0] for device in devices for address in device.addresses
        }
        self._settings = {device.addresses[0]: device for device in devices}
        for index, name in enumerate(list(self.names)):
            self._assign(index, name)

    def exporter(self, address: str) -> int | None:
        """Find the index of an address; None (counted) where there are too many of them."""
        index = self._index.get(address)
        if index is None:
            if len(self.names) >= MAX_EXPORTERS:
                self._counters.add("exporters_refused")
                return None
            index = self._add(address)
        return index

    def device_of(self, address: str) -> str:
        """Name the device that an address belongs to."""
        return self._alias.get(address, address)

    def rib_device_of(self, address: str) -> str:
        """Name the device whose tables answer for an address."""
        device = self.device_of(address)
        settings = self._settings.get(device)
        if settings is None or settings.rib_of is None:
            return device
        return self.device_of(settings.rib_of)

    def settings(self, device: str) -> DeviceSettings | None:
        """Give what the operator says of a device."""
        return self._settings.get(device)

    def devices(self, exporters: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Map exporters to their devices, both as indices: shape (n,)."""
        return self._device[exporters]

    def _add(self, address: str) -> int:
        index = len(self.names)
        self.names.append(address)
        self._index[address] = index
        if index >= len(self._device):
            self._device = np.concatenate([self._device, np.zeros_like(self._device)])
        self._assign(index, address)
        return index

    def _assign(self, index: int, address: str) -> None:
        device = self.device_of(address)
        self._device[index] = index if device == address else self.force(device)

    def force(self, address: str) -> int:
        """Find or make the index of an address that the operator or a BMP session names."""
        index = self._index.get(address)
        return self._add(address) if index is None else index
