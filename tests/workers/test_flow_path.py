"""Datagrams to records: whatever one device sends, the others' records come out."""

import struct
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from collector.config.model import PublishTable
from collector.protocols.ipfix.registry import Registry
from collector.simulation.ipfix import data_set, ipfix_message, options_template_set, template_set
from tests.protocols.bursts import burst_of
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


_OF_A_BATCH = ("sequence", "timeReceived")
_V4 = [(8, 4), (1, 4)]
_UPTIMES = [(22, 4), (21, 4), (1, 4)]
_VARYING = [(82, 65535), (1, 4)]
_SHAPES = {256: _V4, 257: _UPTIMES, 258: _VARYING, 259: [(1, 2)]}


@st.composite
def _datagrams(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a datagram: mostly Data Sets, now and then templates, options data, faults and gaps."""
    source = draw(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]))
    domain, version = draw(st.integers(0, 1)), draw(st.sampled_from([9, 10]))
    sets = []
    for _ in range(draw(st.integers(1, 3))):
        template_id = draw(st.sampled_from([*_SHAPES, 400]))
        body = draw(st.binary(min_size=2, max_size=40))
        match draw(st.integers(0, 11)):
            case 0 if version == 10:
                sets.append(template_set(template_id, _SHAPES.get(template_id, _V4)))
            case 1 if version == 10:
                sets.append(template_set(template_id, draw(st.sampled_from([_V4, _UPTIMES]))))
            case 2 if version == 10:
                sets.append(options_template_set(400, [(144, 4)], [(160, 8)]))
            case 3:
                sets.append(struct.pack("!HH", template_id, 40) + body)
            case _:
                sets.append(data_set(template_id, body, padded=False))
    octets = b"".join(sets)
    sequence = draw(st.integers(0, 3)) * 5
    if version == 9:
        return source, struct.pack("!HHIIII", 9, 1, 7_000, 1_000, sequence, domain) + octets
    header = struct.pack("!HHIII", 10, 16 + len(octets), 1_000, sequence, domain)
    return source, header + octets


def _announced(parts: Parts) -> None:
    for source in ("192.0.2.1", "192.0.2.2", "2001:db8::1"):
        for domain in (0, 1):
            templates = [template_set(number, fields) for number, fields in _SHAPES.items()]
            octets = ipfix_message(templates, export_time_s=1, sequence=0, domain=domain)
            parts.flow_path.datagram(source, memoryview(octets))
            flowsets = b"".join(
                struct.pack("!HHHH", 0, 8 + 4 * len(fields), number, len(fields))
                + b"".join(struct.pack("!HH", *field) for field in fields)
                for number, fields in _SHAPES.items()
                if fields is not _VARYING
            )
            header = struct.pack("!HHIIII", 9, 1, 7_000, 1_000, 0, domain)
            parts.flow_path.datagram(source, memoryview(header + flowsets))


def _outcome(parts: Parts) -> tuple[list[str], dict[str, int], list[Any]]:
    parts.flow_path.close_batch()
    told = [
        # A column that is null in a whole batch is left out, and batches end where they may.
        orjson.dumps({k: v for k, v in row.items() if k not in _OF_A_BATCH and v is not None})
        for row in parts.outputs.records()
    ]
    counters = {name: n for name, n in parts.counters.items() if "unexpected" not in name}
    domains = [
        (
            *(key, domain.messages, domain.last_export_time_s, domain.sequence.expected),
            *(domain.sequence.gaps, domain.sequence.lost, domain.sequence.late),
        )
        for key, domain in parts.flow_path.decoder.domains.items()
    ]
    return sorted(told), counters, sorted(domains)


@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    st.lists(_datagrams(), min_size=13, max_size=40),
    st.integers(1, 3),
    st.sampled_from([7, 10_000]),
)
def test_a_burst_says_what_its_datagrams_say_one_by_one(
    sent: list[tuple[str, bytes]], bursts: int, batch_rows: int
) -> None:
    together, alone = Parts(batch_rows=batch_rows), Parts(batch_rows=batch_rows)
    _announced(together)
    _announced(alone)
    for _ in range(bursts):
        for source, octets in sent:
            alone.flow_path.datagram(source, memoryview(octets))
        together.flow_path.burst(burst_of(sent))
    assert [name for name in together.counters if name.startswith("unexpected")] == []
    assert _outcome(together) == _outcome(alone)
    # Each datagram's messages stay in order within its domain, whichever way it went.
    assert together.reported == alone.reported


def test_most_datagrams_of_a_burst_are_not_read_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = Parts()
    _announced(parts)
    sent = [
        ("192.0.2.1", ipfix_message([data_set(256, bytes(8 * 3))], export_time_s=1, sequence=3 * n))
        for n in range(50)
    ]
    monkeypatch.setattr(parts.flow_path, "datagram", None)  # a call would be an unexpected error
    parts.flow_path.burst(burst_of(sent))
    assert (parts.flow_path.waiting_rows, parts.counters["unexpected_errors.flow"]) == (150, 0)


def test_a_burst_of_more_rows_than_a_batch_has_leaves_nothing_behind() -> None:
    parts = Parts(batch_rows=100)
    _announced(parts)
    one = ipfix_message([data_set(256, bytes(8 * 30))], export_time_s=1, sequence=0)
    parts.flow_path.burst(burst_of([("192.0.2.1", one)] * 20))
    assert (parts.flow_path.waiting_rows, parts.counters["flow_records"]) == (0, 600)
    assert parts.closed == 5  # four datagrams reach a hundred rows


@pytest.mark.parametrize("limit", ["_MAX_KEYS", "_MAX_LAYOUTS"])
def test_streams_are_forgotten_when_there_are_too_many(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"collector.protocols.flow_streams.{limit}", 2)
    parts = Parts()
    _announced(parts)
    sources = ("192.0.2.1", "192.0.2.2", "2001:db8::1")
    for turn in range(3):
        burst = [
            (source, ipfix_message([data_set(number, bytes(24))], export_time_s=1, sequence=turn))
            for source in sources
            for number in (256, 257, 259)
            for _ in range(4)
        ]
        parts.flow_path.burst(burst_of(burst))
    parts.flow_path.close_batch()
    assert parts.counters["flow_records"] == 3 * 3 * 4 * (3 + 2 + 12)
