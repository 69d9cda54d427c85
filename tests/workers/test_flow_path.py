"""Datagrams to records: whatever one device sends, the others' records come out."""

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.config.model import PublishTable
from collector.protocols.ipfix.registry import Registry
from collector.simulation.ipfix import data_set, ipfix_message, options_template_set, template_set
from tests.records.flows import message
from tests.workers.parts import Parts

_ELEMENTS = ["octetDeltaCount", "sourceIPv4Address", "destinationIPv6Address", "interfaceName"]
_ELEMENTS += ["flowStartMilliseconds", "flowEndSysUpTime", "flowStartDeltaMicroseconds"]
_ELEMENTS += ["samplingInterval", "samplingPacketInterval", "samplingPacketSpace", "selectorId"]
_ELEMENTS += ["samplingProbability", "dataRecordsReliability", "basicList", "sourceMacAddress"]
_ELEMENTS += ["mplsVpnRouteDistinguisher", "applicationId", "ipv6ExtensionHeadersFull"]
_ELEMENTS += ["icmpTypeCodeIPv4", "icmpTypeCodeIPv6", "vlanId", "absoluteError", "paddingOctets"]
_ELEMENTS += ["mibObjectValueInteger", "postOctetDeltaCount", "ingressVRFID", "bgpSourceAsNumber"]
_ELEMENTS += ["bgpNextHopIPv4Address", "sourceIPv4Prefix", "destinationIPv4PrefixLength"]
_NAMED = ["postOctetDeltaCount", "interfaceName", "basicList", "absoluteError", "flowLabelIPv6"]
_NAMED += ["dataRecordsReliability", "mibObjectValueInteger", "ipv6ExtensionHeadersFull"]
_IDS = [Registry.default().by_name(name).id for name in _ELEMENTS]  # type: ignore[union-attr]

FIELDS = st.lists(
    st.tuples(st.sampled_from(_IDS), st.sampled_from([0, 1, 2, 3, 4, 6, 8, 9, 16, 32, 65535])),
    min_size=1,
    max_size=8,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(FIELDS, st.binary(max_size=200), st.booleans()), min_size=1, max_size=4))
def test_no_template_and_no_body_keeps_the_others_records_back(
    sent: list[tuple[list[tuple[int, int]], bytes, bool]],
) -> None:
    parts = Parts(elements=_NAMED)
    honest = message(300, [(1, 4), (148, 8)], struct.pack("!IQ", 77, 1))
    parts.flow_path.datagram("192.0.2.1", memoryview(honest))
    for number, (fields, body, is_options) in enumerate(sent):
        template = (
            options_template_set(400, fields[:1], fields[1:])
            if is_options
            else template_set(400, fields)
        )
        octets = ipfix_message(
            [template, data_set(400, body, padded=False)], export_time_s=1, sequence=0
        )
        parts.flow_path.datagram(f"198.51.100.{number}", memoryview(octets))
    parts.flow_path.close_batch()
    assert [name for name in parts.counters if name.startswith("unexpected")] == []
    told = list(parts.outputs.records())
    assert [row["octets"] for row in told if row["device"] == "192.0.2.1"] == [77]
    assert len(told) == parts.counters["flow_records"]
    assert [row["sequence"] for row in told] == list(range(len(told)))


def test_the_octets_of_datagrams_are_free_when_the_batch_is_closed() -> None:
    parts = Parts()
    octets = bytearray(message(300, [(1, 4)], bytes(4 * 3)))
    parts.flow_path.datagram("192.0.2.1", memoryview(octets))
    assert (parts.flow_path.waiting_rows, parts.closed) == (3, 0)
    parts.flow_path.close_batch()
    assert (parts.flow_path.waiting_rows, parts.closed) == (0, 1)
    octets[:] = b"\xff" * len(octets)
    assert [row["octets"] for row in parts.outputs.records()] == [0, 0, 0]


@pytest.mark.parametrize(
    "fields", [[(1, 4)], [(82, 65535)]], ids=["fixed-length", "variable-length"]
)
def test_a_batch_is_closed_when_it_has_its_rows(fields: list[tuple[int, int]]) -> None:
    parts = Parts(batch_rows=100)
    octets = message(300, fields, bytes(4 * 60))
    parts.flow_path.datagram("192.0.2.1", memoryview(octets))
    first = parts.closed
    parts.flow_path.datagram("192.0.2.1", memoryview(octets))
    assert (first, parts.closed) in ((0, 1), (1, 2))


def test_what_fails_in_one_layout_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Parts()
    read = parts.flow_path._builder.read

    def fails_on_names(collected: Any) -> Any:
        if any(one.layout.fields[0].name == "interfaceName" for one in collected):
            raise ArithmeticError
        return read(collected)

    monkeypatch.setattr(parts.flow_path._builder, "read", fails_on_names)
    for number in range(3):
        for octets in (message(300, [(1, 4)], bytes(4)), message(301, [(82, 65535)], b"\1a")):
            parts.flow_path.datagram(f"192.0.2.{number}", memoryview(octets))
    parts.flow_path.close_batch()
    assert parts.counters["flow_records"] == 3
    assert parts.counters["flow_sets_lost"] == 3
    assert len(list(parts.outputs.records())) == 3
    assert parts.closed == 1
    parts.flow_path.close_batch()
    assert len(list(parts.outputs.records())) == 3


def test_templates_and_options_are_reported_and_restore_in_a_successor() -> None:
    parts, successor = Parts(), Parts()
    options = ipfix_message(
        [
            options_template_set(400, [(10, 4)], [(34, 4)]),
            data_set(400, struct.pack("!II", 5, 100)),
        ],
        export_time_s=1,
        sequence=0,
    )
    whole = message(300, [(1, 4), (10, 4)], struct.pack("!II", 1, 5))
    for octets in (options, whole, whole):
        parts.flow_path.datagram("::ffff:192.0.2.1", memoryview(octets))
    assert [key[:2] for key, _ in parts.reported] == [
        ["template", "192.0.2.1"],
        ["options", "192.0.2.1"],
        ["template", "192.0.2.1"],
    ]
    for key, kept in parts.reported:
        assert kept is not None
        successor.flow_path.restore(key, kept)
    bare = ipfix_message([data_set(300, struct.pack("!II", 9, 5))], export_time_s=1, sequence=0)
    successor.flow_path.datagram("::ffff:192.0.2.1", memoryview(bare))
    successor.flow_path.close_batch()
    ((row),) = successor.outputs.records()
    assert (row["octets"], row["samplingRate"], row["device"]) == (9, 100.0, "192.0.2.1")
    assert successor.counters["flow_missing_template"] == 0


def test_exporters_past_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.pipeline.devices.MAX_EXPORTERS", 2)
    parts = Parts()
    for number in [*range(5), 0]:
        octets = message(300, [(1, 4)], bytes(4))
        parts.flow_path.datagram(f"192.0.2.{number}", memoryview(octets))
    parts.flow_path.close_batch()
    assert len(list(parts.outputs.records())) == 3
    assert parts.counters["exporters_refused"] == 3


def test_flows_of_thousands_of_devices_are_one_batch() -> None:
    parts = Parts([PublishTable("flow", "out", columns=("device", "octets"))])
    for number in range(2000):
        octets = message(256 + number % 50, [(1, 4)], struct.pack("!I", number))
        parts.flow_path.datagram(f"10.0.{number >> 8}.{number & 255}", memoryview(octets))
    parts.flow_path.close_batch()
    ((_, batch),) = parts.outputs.batches
    told = {row["device"]: row["octets"] for row in parts.outputs.records()}
    assert batch.records == len(told) == 2000
    assert np.array_equal(sorted(told.values()), np.arange(2000))
