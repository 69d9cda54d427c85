from collections import Counter
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import DecodeError, MalformedError, TruncatedError
from collector.metrics import Counters
from collector.protocols.flow_decoder import FlowDecoder
from collector.protocols.flow_domains import IDLE_S, SWEEP_INTERVAL_S
from collector.protocols.flow_values import (
    DataSet,
    FlowEvent,
    MissingTemplate,
    TemplateAnnounced,
)
from collector.protocols.ipfix.fields import V9_SCOPE, VARIABLE, FieldSpecifier
from collector.protocols.ipfix.registry import Registry
from tests.captures import captures_dir, udp_payloads
from tests.protocols import flow_wire
from tests.protocols.flow_wire import ipfix, netflow_v9, set_octets

_EXPORTER = "192.0.2.1"
_FIELDS = (FieldSpecifier(0, 8, 4), FieldSpecifier(0, 1, 4))
_TEMPLATE = set_octets(2, flow_wire.ipfix_template(256, _FIELDS))
_OTHER_TEMPLATE = set_octets(2, flow_wire.ipfix_template(256, _FIELDS[:1]))
_V9_TEMPLATE = set_octets(0, flow_wire.v9_template(256, _FIELDS))
_DATA = set_octets(256, bytes.fromhex("c0000201 00000064"))
_ROW = ({}, {"sourceIPv4Address": "192.0.2.1", "octetDeltaCount": 100})


def _decoder(**limits: int) -> FlowDecoder:
    return FlowDecoder(Registry.default(), counters=Counters(), **limits)


def _decode(
    decoder: FlowDecoder, *datagrams: bytes, exporter: str = _EXPORTER, now_s: float = 0.0
) -> list[FlowEvent]:
    return [
        event
        for datagram in datagrams
        for event in decoder.decode(exporter, memoryview(datagram), now_s)
    ]


def _kinds(events: list[FlowEvent]) -> list[type]:
    return [type(event) for event in events]


def _rows(decoder: FlowDecoder, data_set: DataSet) -> list[tuple[dict, dict]]:
    lists = decoder.lists(data_set.message)
    rows, fault = data_set.template.layout.rows(data_set.body, lists)
    assert fault is None
    return rows


@pytest.mark.parametrize(
    "datagram",
    [
        pytest.param(ipfix(_TEMPLATE, _DATA), id="ipfix"),
        pytest.param(netflow_v9(_V9_TEMPLATE, _DATA), id="v9"),
    ],
)
def test_template_and_data_in_one_message(datagram: bytes) -> None:
    decoder = _decoder()
    announced, data_set = _decode(decoder, datagram)
    assert isinstance(announced, TemplateAnnounced)
    assert (announced.changed, announced.withdrawn) == (True, False)
    assert announced.template is data_set.template
    assert announced.message is data_set.message
    assert _rows(decoder, data_set) == [_ROW]


def test_options_of_netflow_v9_have_their_scope() -> None:
    decoder = _decoder()
    fields = (FieldSpecifier(V9_SCOPE, 1, 4, True), FieldSpecifier(0, 34, 4))
    template = set_octets(1, flow_wire.v9_options_template(300, fields) + bytes(2))
    data = set_octets(300, bytes.fromhex("00000001 00000400"))
    announced, data_set = _decode(decoder, netflow_v9(template, data))
    assert announced.template.is_options
    assert _rows(decoder, data_set) == [({"scopeSystem": 1}, {"samplingInterval": 1024})]


def test_several_sets_and_reserved_ones() -> None:
    decoder = _decoder()
    reserved = set_octets(4, b"\1\2\3") + set_octets(255, b"") + set_octets(0, b"\0\0")
    events = _decode(decoder, ipfix(_TEMPLATE, _DATA, reserved, _DATA))
    assert _kinds(events) == [TemplateAnnounced, DataSet, DataSet]
    assert decoder.counters == {"flow_reserved_set": 3}


def test_data_before_its_template() -> None:
    decoder = _decoder()
    (missing,) = _decode(decoder, ipfix(_DATA))
    assert isinstance(missing, MissingTemplate)
    assert (missing.template_id, bytes(missing.body)) == (256, _DATA[4:])
    assert decoder.counters == {"flow_missing_template": 1}


@pytest.mark.parametrize(
    ("exporter", "datagram"),
    [
        pytest.param("192.0.2.2", ipfix(_DATA), id="another-exporter"),
        pytest.param(_EXPORTER, ipfix(_DATA, domain=8), id="another-domain"),
        pytest.param(_EXPORTER, netflow_v9(_DATA), id="another-version"),
    ],
)
def test_templates_belong_to_exporter_domain_and_version(exporter: str, datagram: bytes) -> None:
    decoder = _decoder()
    _decode(decoder, ipfix(_TEMPLATE))
    assert _kinds(_decode(decoder, datagram, exporter=exporter)) == [MissingTemplate]


def test_redefinition_tells_the_change_and_equal_fields_share_a_layout() -> None:
    decoder = _decoder()
    announced = _decode(decoder, *[ipfix(t) for t in (_TEMPLATE, _TEMPLATE, _OTHER_TEMPLATE)])
    assert [event.changed for event in announced] == [True, False, True]
    assert announced[0].template is announced[1].template
    (elsewhere,) = _decode(decoder, ipfix(_TEMPLATE), exporter="192.0.2.2")
    assert elsewhere.template.layout is announced[0].template.layout


@pytest.mark.parametrize("template_id", [256, 2])
def test_withdrawal(template_id: int) -> None:
    decoder = _decoder()
    withdrawal = set_octets(2, flow_wire.ipfix_template(template_id, ()))
    _, withdrawn, missing = _decode(decoder, ipfix(_TEMPLATE), ipfix(withdrawal), ipfix(_DATA))
    assert (withdrawn.withdrawn, withdrawn.changed) == (True, True)
    assert (withdrawn.template.template_id, withdrawn.template.fields) == (template_id, ())
    assert isinstance(missing, MissingTemplate)


@pytest.mark.parametrize(
    ("bad", "error", "offset"),
    [
        pytest.param("0100 0003", MalformedError, 28, id="length-below-header"),
        pytest.param("0100 00ff", TruncatedError, 28, id="length-past-the-message"),
        pytest.param("0002 0008 0100 0001", TruncatedError, 36, id="template-cut-short"),
        pytest.param(
            "0002 0010 0101 0001 0008 0004 00ff 0001", MalformedError, 40, id="bad-template"
        ),
    ],
)
def test_sets_before_a_bad_one_stand(bad: str, error: type[DecodeError], offset: int) -> None:
    decoder = _decoder()
    _decode(decoder, ipfix(_TEMPLATE))
    events = _decode(decoder, ipfix(_DATA, bytes.fromhex(bad), _DATA))
    assert _kinds(events) == [DataSet, error]
    assert events[1].offset == offset
    assert decoder.counters == {"flow_malformed": 1}
    assert len(decoder.domains[_EXPORTER, 7, 10].templates.by_id) == 1


@pytest.mark.parametrize(
    ("wire", "error"),
    [
        pytest.param("", TruncatedError, id="nothing"),
        pytest.param("00", TruncatedError, id="half-a-version"),
        pytest.param("0007 0000", MalformedError, id="unknown-version"),
        pytest.param("000a 0010", TruncatedError, id="half-a-header"),
    ],
)
def test_what_is_no_message_is_one_error(wire: str, error: type[DecodeError]) -> None:
    decoder = _decoder()
    assert _kinds(_decode(decoder, bytes.fromhex(wire))) == [error]
    counter = "flow_unknown_version" if error is MalformedError else "flow_malformed"
    assert (decoder.counters, decoder.domains) == ({counter: 1}, {})


def test_sequence_counts_data_records_in_ipfix_and_datagrams_in_v9() -> None:
    decoder = _decoder()
    _decode(decoder, ipfix(_TEMPLATE, _DATA), ipfix(_DATA, _DATA, sequence=1))
    _decode(decoder, ipfix(_DATA, sequence=10))
    _decode(decoder, netflow_v9(_V9_TEMPLATE, _DATA), netflow_v9(_DATA, sequence=4))
    assert decoder.domains[_EXPORTER, 7, 10].sequence.lost == 7
    assert decoder.domains[_EXPORTER, 7, 9].sequence.lost == 3
    assert decoder.counters == {"flow_sequence.gap": 2, "flow_lost.v10": 7, "flow_lost.v9": 3}


def test_sequence_counts_flows_in_v5() -> None:
    decoder = _decoder()
    record = bytes(48)
    _decode(decoder, *[flow_wire.netflow_v5(record, record, sequence=s) for s in (0, 2, 6)])
    assert decoder.domains[_EXPORTER, 258, 5].sequence.lost == 2


def test_sequence_counts_records_of_variable_length() -> None:
    decoder = _decoder()
    template = set_octets(2, flow_wire.ipfix_template(257, [FieldSpecifier(0, 82, VARIABLE)]))
    data = set_octets(257, b"\1a\0\3abc")
    _decode(decoder, ipfix(template, data), ipfix(data, sequence=3))
    assert decoder.domains[_EXPORTER, 7, 10].sequence.expected == 6
    assert decoder.counters == {}


@pytest.mark.parametrize("uncounted", [set_octets(999, bytes(40)), b"\0\1"])
def test_what_nobody_can_count_makes_no_gap(uncounted: bytes) -> None:
    decoder = _decoder()
    _decode(decoder, ipfix(_TEMPLATE, _DATA), ipfix(_DATA, uncounted, sequence=1))
    _decode(decoder, ipfix(_DATA, sequence=50), ipfix(_DATA, sequence=51))
    assert decoder.domains[_EXPORTER, 7, 10].sequence.gaps == 0


def test_domain_remembers_when_it_was_heard_of() -> None:
    decoder = _decoder()
    _decode(decoder, ipfix(_TEMPLATE, time_s=1_600_000_000), ipfix(_DATA), now_s=5.0)
    domain = decoder.domains[_EXPORTER, 7, 10]
    assert (domain.messages, domain.last_seen_s, domain.last_export_time_s) == (
        2,
        5.0,
        1_700_000_000,
    )


def test_templates_of_an_exporter_are_bounded() -> None:
    decoder = _decoder(max_templates_per_exporter=2)
    three = [flow_wire.ipfix_template(300 + i, _FIELDS) for i in range(3)]
    events = _decode(decoder, ipfix(set_octets(2, b"".join(three)), domain=1))
    assert _kinds(events) == [TemplateAnnounced, TemplateAnnounced, DecodeError]
    assert _kinds(_decode(decoder, ipfix(_TEMPLATE, domain=2))) == [DecodeError]
    assert decoder.counters == {"flow_refused": 2}
    assert _kinds(_decode(decoder, ipfix(_TEMPLATE), exporter="192.0.2.2")) == [TemplateAnnounced]


def test_domains_and_exporters_are_bounded() -> None:
    decoder = _decoder(max_exporters=1, max_domains_per_exporter=2)
    events = _decode(decoder, *[ipfix(_TEMPLATE, domain=i) for i in range(3)])
    assert _kinds(events) == [TemplateAnnounced, TemplateAnnounced, DecodeError]
    (refused,) = _decode(decoder, ipfix(_TEMPLATE), exporter="192.0.2.2")
    assert "1 exporters are known" in str(refused)
    assert len(decoder.domains) == 2


def test_the_long_silent_make_place_when_it_is_wanted() -> None:
    decoder = _decoder(max_exporters=2, max_templates_per_exporter=1)
    _decode(decoder, ipfix(_TEMPLATE), exporter="192.0.2.1", now_s=0.0)
    _decode(decoder, ipfix(_TEMPLATE), exporter="192.0.2.2", now_s=IDLE_S)
    new = {"exporter": "192.0.2.3"}
    assert _kinds(_decode(decoder, ipfix(_TEMPLATE), **new, now_s=IDLE_S)) == [DecodeError]
    # Swept just now, so it takes a while until one looks again.
    assert _kinds(_decode(decoder, ipfix(_TEMPLATE), **new, now_s=IDLE_S + 1)) == [DecodeError]
    late_s = IDLE_S + SWEEP_INTERVAL_S
    assert _kinds(_decode(decoder, ipfix(_TEMPLATE), **new, now_s=late_s)) == [TemplateAnnounced]
    assert sorted(key[0] for key in decoder.domains) == ["192.0.2.2", "192.0.2.3"]


def test_a_swept_domain_gives_back_what_it_held_of_the_budget() -> None:
    decoder = _decoder(max_domains_per_exporter=2, max_templates_per_exporter=2)
    late_s = IDLE_S + 1
    _decode(decoder, flow_wire.netflow_v5(bytes(48)), now_s=0.0)
    _decode(decoder, ipfix(_TEMPLATE), now_s=late_s)
    events = _decode(decoder, netflow_v9(_V9_TEMPLATE), now_s=late_s)
    assert _kinds(events) == [TemplateAnnounced]
    assert sorted(key[2] for key in decoder.domains) == [9, 10]
    more = set_octets(2, flow_wire.ipfix_template(257, _FIELDS))
    assert _kinds(_decode(decoder, ipfix(more), now_s=late_s)) == [DecodeError]


@pytest.mark.parametrize(
    ("template", "data", "message"),
    [
        pytest.param(_TEMPLATE, _DATA, ipfix, id="ipfix"),
        pytest.param(_V9_TEMPLATE, _DATA, netflow_v9, id="v9"),
        pytest.param(
            set_octets(3, flow_wire.ipfix_options_template(256, [FieldSpecifier(0, 144, 4, True)])),
            _DATA,
            ipfix,
            id="ipfix-options",
        ),
    ],
)
def test_a_successor_learns_templates_again(template: bytes, data: bytes, message: object) -> None:
    (announced,) = _decode(_decoder(), message(template))
    successor = _decoder()
    header = announced.message
    successor.restore(
        header.exporter, header.version, header.observation_domain_id, announced.octets
    )
    (data_set,) = _decode(successor, message(data, sequence=999))
    assert data_set.template.fields == announced.template.fields
    assert data_set.template.is_options == announced.template.is_options
    assert successor.counters == {}


@pytest.mark.parametrize(
    ("version", "octets"),
    [(10, b""), (10, b"\0\7"), (5, b"\0\0"), (3, b"\0\2"), (10, b"\0\3\1\0\0\1")],
)
def test_what_is_no_template_is_not_restored(version: int, octets: bytes) -> None:
    decoder = _decoder()
    with pytest.raises(DecodeError):
        decoder.restore(_EXPORTER, version, 7, octets)


def test_lists_find_the_templates_of_the_same_domain() -> None:
    decoder = _decoder()
    (announced,) = _decode(decoder, ipfix(_TEMPLATE))
    lists = decoder.lists(announced.message)
    assert lists(256) is announced.template.layout
    assert lists(257) is None
    assert decoder.lists(announced.message._replace(observation_domain_id=8))(256) is None


@pytest.mark.parametrize(
    ("capture", "kinds"),
    [
        ("101-*/traffic-00.pcap", {DataSet: 39, TemplateAnnounced: 1}),
        ("102-*/traffic-00.pcap", {DataSet: 21, TemplateAnnounced: 4}),
        ("103-*/traffic-00.pcap", {DataSet: 4, TemplateAnnounced: 2}),
        ("104-*/traffic-00.pcap", {DataSet: 3, TemplateAnnounced: 5}),
        ("400-*/traffic-01.pcap", {DataSet: 147, TemplateAnnounced: 130}),
    ],
)
def test_captures_of_routers(capture: str, kinds: dict[type, int]) -> None:
    (path,) = captures_dir().glob(capture)
    decoder = _decoder()
    told: Counter[type] = Counter()
    for source, payload in udp_payloads(path):
        events = decoder.decode(str(ip_address(source)), memoryview(payload), 0.0)
        told.update(_kinds(events))
        for event in events:
            if isinstance(event, DataSet):
                assert _rows(decoder, event)
    assert told == kinds


_VALID = (
    ipfix(_TEMPLATE, _DATA, sequence=3),
    ipfix(set_octets(3, flow_wire.ipfix_options_template(257, [FieldSpecifier(9, 144, 4, True)]))),
    netflow_v9(_V9_TEMPLATE, _DATA),
    flow_wire.netflow_v5(bytes(48)),
)


@st.composite
def _almost_valid(draw: st.DrawFn) -> bytes:
    datagram = bytearray(draw(st.sampled_from(_VALID)))
    for _ in range(draw(st.integers(0, 3))):
        datagram[draw(st.integers(0, len(datagram) - 1))] = draw(st.integers(0, 255))
    return bytes(datagram[: draw(st.integers(0, len(datagram)))]) + draw(st.binary(max_size=8))


@given(st.lists(st.binary(max_size=96) | _almost_valid(), max_size=6))
def test_any_octets_give_only_values(datagrams: list[bytes]) -> None:
    decoder = _decoder(max_exporters=1, max_domains_per_exporter=2, max_templates_per_exporter=2)
    for datagram in datagrams:
        events = _decode(decoder, datagram)
        errors = [i for i, event in enumerate(events) if isinstance(event, DecodeError)]
        assert errors in ([], [len(events) - 1])
        assert all(0 <= events[i].offset <= len(datagram) for i in errors)
        for event in events:
            if isinstance(event, DataSet):
                event.template.layout.rows(event.body, decoder.lists(event.message))
            elif isinstance(event, TemplateAnnounced):
                message = event.message
                successor = _decoder()
                successor.restore(
                    message.exporter, message.version, message.observation_domain_id, event.octets
                )
