"""BMP routes of real routers against the records that nfacctd made of the same captures."""

import json
from collections import Counter
from contextlib import redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from collector.cli import main
from tests.captures import captures_dir

_CASES = (
    "201-BMP-CISCO-rd_instance",
    "203-BMP-HUAWEI-dump",
    "204-BMP-CISCO-peer_down",
    "400-IPFIXv10-BMP-CISCO-SRv6-multiple-sources",
)
_VIEWS = {
    "adj-rib-in-pre": "Adj-Rib-In Pre-Policy",
    "adj-rib-in-post": "Adj-Rib-In Post-Policy",
    "adj-rib-out-pre": "Adj-Rib-Out Pre-Policy",
    "adj-rib-out-post": "Adj-Rib-Out Post-Policy",
    "loc-rib": "Loc-Rib",
}


def _decode(captures: list[Path]) -> list[dict]:
    out = TextIOWrapper(BytesIO())
    with redirect_stdout(out):
        assert main(["decode", *map(str, captures), "--kinds", "bmp,error"]) == 0
    return [json.loads(line) for line in out.buffer.getvalue().splitlines()]


def _words(value: str | list[str] | None, sort: bool = False) -> tuple[str, ...]:
    """A list, or one written as a string with blanks between; nfacctd sorts communities."""
    words = value.split() if isinstance(value, str) else value or ()
    return tuple(sorted(words) if sort else words)


def _next_hop(text: str | None) -> str | None:
    """nfacctd shows an IPv4-mapped next hop now with and now without its prefix."""
    return text and text.removeprefix("::ffff:")


def _expected(record: dict) -> tuple:
    return (
        (record["bmp_rib_type"], record["peer_ip"], record["bgp_id"]),
        (record["afi"], record["safi"], record["ip_prefix"]),
        (record["rd"].partition(":")[2] if record["rd_origin"] == "bgp" else None),
        (_next_hop(record["bgp_nexthop"]), record["origin"], record["local_pref"], record["med"]),
        (
            _words(record["as_path"]),
            _words(record["comms"], sort=True),
            _words(record["lcomms"], sort=True),
        ),
        (int(record["mpls_label"].split(" ")[0]) if record["mpls_label"] else None),
        record["as_path_id"],
    )


def _ours(line: dict, route: dict) -> tuple:
    attributes, peer = line["bgp"]["attributes"], line["peer"]
    path = [str(number) for _, numbers in attributes.get("as_path", []) for number in numbers]
    origin = attributes.get("origin")
    labels = route.get("labels")
    return (
        (_VIEWS[peer["view"]], peer["address"] or "0.0.0.0", peer["bgp_id"]),
        (route["afi"], route["safi"], route["prefix"]),
        route.get("rd"),
        (
            _next_hop(attributes.get("next_hop")),
            origin and {"igp": "i", "egp": "e", "incomplete": "u"}[origin],
            attributes.get("local_pref"),
            attributes.get("med"),
        ),
        (
            tuple(path),
            tuple(sorted(attributes.get("communities", ()))),
            tuple(sorted(attributes.get("large_communities", ()))),
        ),
        labels[0] if labels else None,
        route.get("path_id"),
    )


@pytest.mark.parametrize("case", _CASES)
def test_announced_routes(case: str) -> None:
    directory = captures_dir() / case
    records = [
        json.loads(line)
        for path in sorted(directory.glob("output-bmp-0*.json"))
        for line in path.read_text().splitlines()
    ]
    expected = Counter(_expected(r) for r in records if r.get("log_type") == "update")
    lines = _decode(sorted(directory.glob("traffic-0*.pcap")))
    ours = Counter(
        _ours(line, route)
        for line in lines
        if line["kind"] == "bmp" and line["type"] == "route_monitoring"
        for route in line["bgp"].get("announced", ())
    )
    assert ours == expected
    assert not [line for line in lines if line["kind"] == "error"]
