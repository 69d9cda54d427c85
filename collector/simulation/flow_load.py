"""IPFIX datagrams by the hundred thousand, made with numpy: what benches and load tests send."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collector.simulation.ipfix import Field, ipfix_message, template_set

MAX_LAYOUTS = 256
TEMPLATE_ID = 256

_BASE: tuple[Field, ...] = (
    *((8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (6, 1), (10, 4), (14, 4), (1, 8), (2, 8)),
    *((152, 8), (153, 8)),
)
# Which of these a template has makes its layout: a bit each.
_OPTIONAL: tuple[Field, ...] = (
    *((89, 1), (61, 1), (136, 1), (60, 1), (58, 2), (59, 2), (52, 1), (53, 1)),
)
_OCTETS = {1: "u1", 2: ">u2", 4: ">u4", 8: ">u8"}
_SOURCE, _DESTINATION, _PORTS, _PROTOCOL = "8", "12", ("7", "11"), "4"
_DELTA_OCTETS, _DELTA_PACKETS, _START, _END = "1", "2", "152", "153"
_PROTOCOLS = np.array([6, 6, 6, 17], np.uint8)


@dataclass(frozen=True, slots=True)
class FlowLoad:
    """Datagrams in the order in which they are to be sent, and the sums of what they say.

    Attributes:
        templates: one datagram a device, which it sends first.
        datagrams: of all devices, taking turns.
        devices: the device of each datagram, counted from 0.
    """

    templates: list[bytes]
    datagrams: list[bytes]
    devices: list[int]
    flows: int
    octets: int
    packets: int


def flow_load(
    datagrams: int,
    *,
    destinations: NDArray[np.uint32],
    sources: NDArray[np.uint32] | None = None,
    devices: int = 1,
    layouts: int = 1,
    flows_per_datagram: int = 18,
    export_time_s: int = 1_700_000_000,
    seed: int = 1,
) -> FlowLoad:
    """Make a load of IPv4 flows; the same arguments give the same one.

    Args:
        datagrams: of each device.
        destinations, sources: addresses to choose from at random; the same for both without the
            second. How many there are decides how often a collector meets one again.
        layouts: how many distinct templates the devices have; device n has template n % layouts.
    """
    if not 0 < layouts <= MAX_LAYOUTS:
        raise ValueError(f"{layouts} layouts: 1 to {MAX_LAYOUTS} are possible")
    rng = np.random.default_rng(seed)
    sources = destinations if sources is None else sources
    templates, by_device = [], []
    octets = packets = 0
    for device in range(devices):
        fields = load_fields(device % layouts)
        template = template_set(TEMPLATE_ID, fields)
        templates.append(ipfix_message([template], export_time_s=export_time_s, sequence=0))
        messages = np.zeros(datagrams, _message_type(fields, flows_per_datagram))
        _fill_headers(messages, flows_per_datagram, export_time_s)
        records = messages["records"]
        _fill_records(records, destinations, sources, export_time_s, rng)
        octets += int(records[_DELTA_OCTETS].sum())
        packets += int(records[_DELTA_PACKETS].sum())
        by_device.append(_slices(messages))
    return FlowLoad(
        templates=templates,
        datagrams=[datagram for turn in zip(*by_device, strict=True) for datagram in turn],
        devices=list(range(devices)) * datagrams,
        flows=datagrams * devices * flows_per_datagram,
        octets=octets,
        packets=packets,
    )


def load_fields(layout: int) -> list[Field]:
    """Fields of the template of one layout, 0 to `MAX_LAYOUTS` - 1."""
    return [*_BASE, *(field for bit, field in enumerate(_OPTIONAL) if layout >> bit & 1)]


def _message_type(fields: list[Field], records: int) -> np.dtype:
    record = np.dtype([(str(element), _OCTETS[length]) for element, length in fields])
    return np.dtype(
        [
            *(("version", ">u2"), ("length", ">u2"), ("export_time", ">u4"), ("sequence", ">u4")),
            *(("domain", ">u4"), ("set_id", ">u2"), ("set_length", ">u2")),
            *(
                ("records", record, (records,)),
                ("padding", "u1", (-record.itemsize * records % 4,)),
            ),
        ]
    )


def _fill_headers(messages: NDArray, flows: int, export_time_s: int) -> None:
    messages["version"] = 10
    messages["length"] = messages.itemsize
    messages["export_time"] = export_time_s
    messages["sequence"] = np.arange(len(messages), dtype=np.uint64) * flows & 0xFFFFFFFF
    messages["set_id"] = TEMPLATE_ID
    messages["set_length"] = messages.itemsize - 16


def _fill_records(
    records: NDArray,
    destinations: NDArray[np.uint32],
    sources: NDArray[np.uint32],
    export_time_s: int,
    rng: np.random.Generator,
) -> None:
    shape = records.shape
    records[_DESTINATION] = rng.choice(destinations, shape)
    records[_SOURCE] = rng.choice(sources, shape)
    for port in _PORTS:
        records[port] = rng.integers(1, 65536, shape)
    records[_PROTOCOL] = rng.choice(_PROTOCOLS, shape)
    packets = rng.geometric(0.1, shape)
    records[_DELTA_PACKETS] = packets
    records[_DELTA_OCTETS] = packets * rng.integers(40, 1501, shape)
    end_ms = export_time_s * 1000 - rng.integers(0, 1000, shape)
    records[_END] = end_ms
    records[_START] = end_ms - rng.integers(0, 60_000, shape)


def _slices(messages: NDArray) -> list[bytes]:
    octets, size = messages.tobytes(), messages.itemsize
    return [octets[start : start + size] for start in range(0, len(octets), size)]
