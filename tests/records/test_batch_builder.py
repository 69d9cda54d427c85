"""Data Sets of several layouts and exporters become one batch of canonical columns."""

import struct
from ipaddress import ip_address

import numpy as np
import orjson
import pytest

from collector.records.publish import Tables, published_frame
from collector.records.raw_columns import BatchColumns
from collector.simulation.ipfix import Field
from tests.records.flows import EXPORT_TIME_S, batch_of, message
from tests.rib.wire import new_paths

IPV4_TEMPLATE = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (1, 8), (2, 4)]
IPV6_TEMPLATE = [(27, 16), (28, 16), (1, 4), (2, 4)]


def ipv4_record(source: str, destination: str, octets: int, packets: int) -> bytes:
    addresses = ip_address(source).packed + ip_address(destination).packed
    return addresses + struct.pack("!HHBQI", 1234, 443, 6, octets, packets)


def ipv6_record(source: str, destination: str, octets: int, packets: int) -> bytes:
    addresses = ip_address(source).packed + ip_address(destination).packed
    return addresses + struct.pack("!II", octets, packets)


def published(*messages: bytes, **options: object) -> list[dict[str, object]]:
    batch = batch_of(*messages, **options)
    tables = Tables([f"192.0.2.{index}" for index in range(9)], {}, new_paths(), hex)
    return published_frame(BatchColumns(batch), tables).to_dicts()


def test_layouts_of_two_exporters_are_one_schema() -> None:
    records = published(
        message(256, IPV4_TEMPLATE, ipv4_record("10.0.0.1", "10.0.0.2", 5000, 7)),
        message(256, IPV6_TEMPLATE, ipv6_record("2001:db8::1", "2001:db8::2", 60, 1), domain=9),
    )
    assert [r["sourceAddress"] for r in records] == ["10.0.0.1", "2001:db8::1"]
    assert [r["destinationAddress"] for r in records] == ["10.0.0.2", "2001:db8::2"]
    assert [r["octets"] for r in records] == [5000, 60]
    assert [r["packets"] for r in records] == [7, 1]
    assert [r["sourcePort"] for r in records] == [1234, None]
    assert [r["exporterAddress"] for r in records] == ["192.0.2.0", "192.0.2.1"]
    assert [r["observationDomainId"] for r in records] == [0, 9]


def test_a_template_for_both_families_fills_the_one_that_is_set() -> None:
    fields = [(8, 4), (12, 4), (27, 16), (28, 16), (1, 4)]
    zero4, zero6 = bytes(4), bytes(16)
    v4 = ip_address("0.0.0.0").packed + ip_address("10.0.0.2").packed
    v6 = ip_address("2001:db8::1").packed + ip_address("2001:db8::2").packed
    records = published(
        message(256, fields, v4 + zero6 * 2 + b"\0\0\0\1" + zero4 * 2 + v6 + b"\0\0\0\2")
    )
    # The source 0.0.0.0 of the first one must not let the empty IPv6 fields in.
    assert [r["sourceAddress"] for r in records] == ["0.0.0.0", "2001:db8::1"]
    assert [r["destinationAddress"] for r in records] == ["10.0.0.2", "2001:db8::2"]
    assert "outerSourceAddress" not in records[0]


def test_a_tunnel_shows_its_innermost_addresses_and_keeps_the_outermost() -> None:
    fields = [(27, 16), (28, 16), (4, 1), (8, 4), (12, 4), (4, 1), (1, 4)]
    outer = ip_address("2001:db8::1").packed + ip_address("2001:db8::2").packed + b"\x04"
    inner = ip_address("10.0.0.1").packed + ip_address("10.0.0.2").packed + b"\x06"
    (record,) = published(message(256, fields, outer + inner + b"\0\0\0\1"))
    assert (record["sourceAddress"], record["destinationAddress"]) == ("10.0.0.1", "10.0.0.2")
    assert record["outerSourceAddress"] == "2001:db8::1"
    assert record["outerDestinationAddress"] == "2001:db8::2"
    assert record["protocol"] == 6
    assert orjson.loads(str(record["extra"])) == {"protocolIdentifier": 4}


def test_elements_without_a_column_go_into_extra_or_a_column_of_their_own() -> None:
    fields = [*IPV4_TEMPLATE, (82, 4), (95, 4), (192, 1)]
    octets = ipv4_record("10.0.0.1", "10.0.0.2", 1, 1) + b"eth0" + b"\x03\0\0\x50" + b"\x40"
    (record,) = published(message(256, fields, octets), elements=["interfaceName"])
    assert record["interfaceName"] == "eth0"
    assert orjson.loads(str(record["extra"])) == {"ipTTL": 64}
    (record,) = published(message(256, fields, octets), extra=False)
    assert "extra" not in record


@pytest.mark.parametrize(
    ("fields", "octets", "rate"),
    [
        pytest.param([(34, 4)], struct.pack("!I", 1000), 1000.0, id="interval"),
        pytest.param([(50, 4)], struct.pack("!I", 64), 64.0, id="random-interval"),
        pytest.param([(305, 4), (306, 4)], struct.pack("!II", 1, 99), 100.0, id="interval-space"),
        pytest.param([(309, 4), (310, 4)], struct.pack("!II", 2, 5), 2.5, id="size-population"),
        pytest.param([(34, 4)], bytes(4), None, id="zero-is-unknown"),
    ],
)
def test_sampling_rate_in_the_record(
    fields: list[Field], octets: bytes, rate: float | None
) -> None:
    record = ipv4_record("10.0.0.1", "10.0.0.2", 1, 1) + octets
    (published_record,) = published(message(256, [*IPV4_TEMPLATE, *fields], record))
    assert published_record.get("samplingRate") == rate


def test_a_number_longer_than_its_column_is_held_at_the_largest_value() -> None:
    record = ipv4_record("10.0.0.1", "10.0.0.2", 1, 1) + struct.pack("!Q", 1 << 40)
    (published_record,) = published(message(256, [*IPV4_TEMPLATE, (10, 8)], record))
    assert published_record["ingressInterface"] == 0xFFFFFFFF


def test_times_of_a_record_are_microseconds() -> None:
    start_ms, end_s = EXPORT_TIME_S * 1000 - 1500, EXPORT_TIME_S - 1
    record = ipv4_record("10.0.0.1", "10.0.0.2", 1, 1) + struct.pack("!QI", start_ms, end_s)
    (published_record,) = published(message(256, [*IPV4_TEMPLATE, (152, 8), (151, 4)], record))
    assert published_record["timeStart"] == start_ms * 1000
    assert published_record["timeEnd"] == end_s * 1_000_000


def test_sums_survive_many_layouts() -> None:
    rng = np.random.default_rng(7)
    messages, octets = [], 0
    for number in range(40):
        fields = [*IPV4_TEMPLATE, (61, 1 + number % 8)]
        counts = rng.integers(1, 1000, 5).tolist()
        records = b"".join(
            ipv4_record("10.0.0.1", f"10.0.{number}.2", count, 1) + bytes(1 + number % 8)
            for count in counts
        )
        octets += sum(counts)
        messages.append(message(256, fields, records))
    batch = batch_of(*messages)
    assert batch.rows == 200
    assert int(batch.columns["octets"].sum()) == octets
