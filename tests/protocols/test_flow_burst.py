"""Datagrams cut together are cut as `split_sets` cuts them one by one, or left to it."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.protocols.flow_burst import cut
from collector.protocols.ipfix.message import parse_message
from collector.protocols.ipfix.sets import split_sets
from collector.protocols.netflow import v9
from tests.protocols.bursts import burst_of
from tests.protocols.flow_wire import ipfix, netflow_v5, netflow_v9, set_octets

_SETS = st.lists(
    st.builds(set_octets, st.sampled_from([2, 3, 255, 256, 300, 65535]), st.binary(max_size=30)),
    max_size=20,
)
_DATAGRAMS = st.one_of(
    st.builds(lambda sets: ipfix(*sets, sequence=2**32 - 1, domain=2**31), _SETS),
    st.builds(lambda sets: netflow_v9(*sets, sequence=5), _SETS),
    st.builds(lambda sets, rest: ipfix(*sets) + rest, _SETS, st.binary(max_size=9)),
    st.builds(lambda sets, rest: netflow_v9(*sets) + rest, _SETS, st.binary(max_size=9)),
    st.builds(lambda sets, cut_off: ipfix(*sets)[:-cut_off], _SETS, st.integers(1, 9)),
    st.builds(netflow_v5, st.binary(min_size=48, max_size=48)),
    st.binary(max_size=40),
)


@settings(deadline=None)
@given(st.lists(_DATAGRAMS, min_size=1, max_size=12))
def test_plain_datagrams_are_cut_as_one_by_one(datagrams: list[bytes]) -> None:
    burst = burst_of([("192.0.2.1", datagram) for datagram in datagrams])
    plain, headers, cuts = cut(burst)
    for index, datagram in enumerate(datagrams):
        if not plain[index]:
            continue
        parse, split = (
            (parse_message, split_sets)
            if datagram[1] == 10
            else (v9.parse_message, v9.split_flowsets)
        )
        message, body = parse("192.0.2.1", memoryview(datagram))
        sets, fault = split(body, 0)
        assert fault is None
        assert sets
        mine = cuts.datagram == index
        found = zip(cuts.set_id[mine], cuts.start[mine], cuts.stop[mine], strict=True)
        assert [(set_id, bytes(burst.octets[a:b])) for set_id, a, b in found] == [
            (one.set_id, bytes(one.body)) for one in sets
        ]
        uptime_ms = -1 if message.system_uptime_ms is None else message.system_uptime_ms
        assert [int(column[index]) for column in headers] == [
            *(message.version, message.observation_domain_id, message.export_time_s),
            *(message.sequence, uptime_ms),
        ]


@pytest.mark.parametrize(
    ("datagram", "is_plain"),
    [
        pytest.param(ipfix(set_octets(256, b"abcd")), True, id="one-data-set"),
        pytest.param(ipfix(set_octets(256, b"abcd"), set_octets(300, b"")), True, id="two"),
        pytest.param(netflow_v9(set_octets(256, b"abcd")), True, id="version-9"),
        pytest.param(ipfix(set_octets(2, b"abcd")), False, id="a-template"),
        pytest.param(ipfix(set_octets(256, b"abcd")) + b"\0", False, id="octets-after-the-message"),
        pytest.param(ipfix(set_octets(256, b"abcd"))[:-1], False, id="cut-short"),
        pytest.param(ipfix(struct.pack("!HH", 256, 3)), False, id="length-below-a-header"),
        pytest.param(ipfix(struct.pack("!HHB", 256, 5, 1), b"\1\0"), False, id="half-a-header"),
        pytest.param(netflow_v9(set_octets(256, b"abcd"), bytes(4)), False, id="zeros-at-the-end"),
        pytest.param(netflow_v5(bytes(48)), False, id="version-5"),
        pytest.param(ipfix(), False, id="no-set"),
        pytest.param(ipfix(*[set_octets(256, b"")] * 100), False, id="a-hundred-sets"),
        pytest.param(b"", False, id="empty"),
    ],
)
def test_what_is_plain(datagram: bytes, is_plain: bool) -> None:
    plain, _, cuts = cut(burst_of([("192.0.2.1", datagram)]))
    assert plain.tolist() == [is_plain]
    assert is_plain or len(set(cuts.datagram.tolist()) - {0}) == 0
