"""Streams of real routers against the records that another collector published for them."""

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import DecodeError
from collector.protocols.bmp.decoder import BmpDecoder
from collector.protocols.bmp.framing import BmpFramer
from collector.protocols.bmp.json_form import message_json
from tests.captures import captures_dir
from tests.protocols.bmp.streams import tcp_stream

CASES = {
    "201": ("201-BMP-CISCO-rd_instance", ["traffic-00.pcap"]),
    "203": ("203-BMP-HUAWEI-dump", ["traffic-00.pcap"]),
    "204": ("204-BMP-CISCO-peer_down", ["traffic-00.pcap"]),
    "400": ("400-IPFIXv10-BMP-CISCO-SRv6-multiple-sources", ["traffic-00.pcap", "traffic-01.pcap"]),
}
ORIGINS = {"i": "igp", "e": "egp", "u": "incomplete"}


@cache
def _messages(case: str) -> list[list[bytes]]:
    directory, files = CASES[case]
    streams = [tcp_stream(captures_dir() / directory / file) for file in files]
    return [BmpFramer().feed(stream) for stream in streams]


def _forms(case: str) -> Iterator[dict[str, Any]]:
    for messages in _messages(case):
        decoder = BmpDecoder()
        yield from (message_json(decoder.decode(message)) for message in messages)


def _records(case: str) -> Iterator[dict[str, Any]]:
    for path in sorted((captures_dir() / CASES[case][0]).glob("output-bmp-0*.json")):
        yield from map(json.loads, path.read_text().splitlines())


def _unmapped(next_hop: str) -> str:
    # The other collector is of two minds about IPv4-mapped next hops.
    return next_hop.removeprefix("::ffff:")


def _words(value: str | list[str] | None) -> list[str]:
    return value.split() if isinstance(value, str) else value or []


def _announced(case: str) -> Counter[tuple]:
    routes: Counter[tuple] = Counter()
    for form in _forms(case):
        bgp = form.get("bgp", {})
        attributes = bgp.get("attributes", {})
        path = [number for _, ases in attributes.get("as_path", []) for number in ases]
        for route in bgp.get("announced", []):
            labels = route.get("labels")
            routes[
                form["peer"]["address"] or "",
                route["prefix"],
                route.get("rd"),
                "-".join(map(str, labels)) if labels else None,
                _unmapped(attributes["next_hop"]),
                tuple(path),
                attributes["origin"],
                attributes.get("med"),
                attributes.get("local_pref"),
                attributes.get("aigp"),
                tuple(sorted(attributes.get("communities", []))),
                tuple(sorted(attributes.get("large_communities", []))),
            ] += 1
    return routes


def _announced_in_records(case: str) -> Counter[tuple]:
    routes: Counter[tuple] = Counter()
    for record in _records(case):
        if record.get("log_type") != "update":
            continue
        label = record["mpls_label"]
        routes[
            record["peer_ip"] if record["is_loc"] is None else "",
            record["ip_prefix"],
            record["rd"].partition(":")[2] if record["safi"] == 128 else None,
            None if label is None else str(label),
            _unmapped(record["bgp_nexthop"]),
            tuple(map(int, _words(record["as_path"]))),
            ORIGINS[record["origin"]],
            record["med"],
            record["local_pref"],
            record["aigp"],
            tuple(sorted(_words(record["comms"]))),
            tuple(sorted(_words(record["lcomms"]))),
        ] += 1
    return routes


@pytest.mark.parametrize("case", CASES)
def test_announced_routes_are_those_of_another_collector(case: str) -> None:
    routes = _announced(case)
    assert routes == _announced_in_records(case)
    assert routes


@pytest.mark.parametrize("case", ["203", "204", "400"])
def test_peers_are_those_of_another_collector(case: str) -> None:
    ours = Counter(
        (
            form["peer"]["address"],
            form["peer"]["as"],
            form["peer"]["bgp_id"],
            form["local_address"],
            form["local_port"],
            form["remote_port"],
            form["sent_open"]["as"],
        )
        for form in _forms(case)
        if form["type"] == "peer_up"
    )
    theirs = Counter(
        (
            record["peer_ip"] if record["is_loc"] is None else None,
            record["peer_asn"],
            record["bgp_id"],
            record["local_ip"] if record["is_loc"] is None else None,
            record["local_port"],
            record["remote_port"],
            record["local_as"],
        )
        for record in _records(case)
        if record.get("bmp_msg_type") == "peer_up"
    )
    assert ours == theirs


@pytest.mark.parametrize("case", ["201", "204", "400"])
def test_statistics_are_those_of_another_collector(case: str) -> None:
    ours = Counter(
        (form["peer"]["address"] or "", one["type"], one["value"], one.get("afi"), one.get("safi"))
        for form in _forms(case)
        if form["type"] == "statistics"
        for one in form["statistics"]
    )
    theirs = Counter(
        (
            record["peer_ip"] if record["is_loc"] is None else "",
            record["counter_type"],
            record["counter_value"],
            record.get("afi"),
            record.get("safi"),
        )
        for record in _records(case)
        if record.get("bmp_msg_type") == "stats"
    )
    assert ours == theirs


@given(st.data())
def test_damaged_streams_of_routers_never_fail_otherwise(data: st.DataObject) -> None:
    messages = _messages(data.draw(st.sampled_from(sorted(CASES))))[0]
    first = data.draw(st.integers(0, len(messages) - 1))
    decoder = BmpDecoder()
    for message in messages[first : first + 20]:
        damaged = bytearray(message)
        for _ in range(data.draw(st.integers(0, 3))):
            position = data.draw(st.integers(5, len(damaged) - 1))
            damaged[position] = data.draw(st.integers(0, 255))
        try:
            message_json(decoder.decode(bytes(damaged)))
        except DecodeError as error:
            assert 0 <= error.offset <= len(damaged)
