"""What the far end adds up, and that a wrong record changes it."""

import orjson
import pytest

from tests.bench.churn_run import answer_ages
from tests.bench.far_end import (
    BadRecordsError,
    add_up,
    json_frame,
    marker_answers,
    routes_in,
    routes_of,
)
from tests.bench.goflow2 import Goflow2
from tests.bench.measure import differences
from tests.bench.nfacctd import Nfacctd
from tests.bench.ours import Ours
from tests.bench.slope import growth
from tests.bench.table import make_table
from tests.bench.traffic import Sums

_OURS = {
    "octets": 10,
    "packets": 2,
    "flows": 3,
    "destinationAsPath": "64900 7",
    "sourceOriginAs": 5,
    "destinationNextHop": "0.0.1.0",
    "destinationAddress": "101.0.0.9",
    "destinationPort": 1,
    "destinationMed": 4,
}
_THEIRS = {
    "bytes": 10,
    "packets": 2,
    "flows": 3,
    "as_path": "64900_7",
    "as_src": 5,
    "peer_ip_dst": "0.0.1.0",
}
_SUMS = Sums(3, 10, 2, 70, 50, 2560)


@pytest.mark.parametrize(("kind", "record"), [(Ours, _OURS), (Nfacctd, _THEIRS)])
def test_both_kinds_of_records_add_up_alike(kind, record) -> None:
    frame = json_frame(_lines(record, record), kind.names)
    assert add_up(frame, joined=True) == _SUMS.times(2)
    assert add_up(frame, joined=False) == _SUMS.times(2).without_routes()


@pytest.mark.parametrize(
    ("key", "value", "wrong"),
    [
        ("octets", 11, "octets"),
        ("packets", 3, "packets"),
        ("flows", 2, "flows"),
        ("destinationAsPath", "64900 8", "origins"),
        ("destinationAsPath", None, "origins"),
        ("sourceOriginAs", None, "source_origins"),
        ("destinationNextHop", "0.0.1.1", "next_hops"),
        ("destinationNextHop", None, "next_hops"),
    ],
)
def test_a_record_that_is_wrong_is_found(key, value, wrong) -> None:
    frame = json_frame(_lines(_OURS, _OURS | {key: value}), Ours.names)
    (told,) = differences(add_up(frame, joined=True), _SUMS.times(2))
    assert wrong in told


def test_a_record_that_is_missing_is_found() -> None:
    frame = json_frame(_lines(_OURS), Ours.names)
    assert differences(add_up(frame, joined=False), _SUMS.times(2).without_routes())
    assert not differences(add_up(frame, joined=True), _SUMS)


def test_nothing_adds_up_to_nothing() -> None:
    for kind in (Ours, Nfacctd, Goflow2):
        assert add_up(json_frame(b"", kind.names), joined=False) == Sums(0, 0, 0)


def test_a_record_of_a_single_flow_needs_no_count() -> None:
    frame = json_frame(_lines({"bytes": 10, "packets": 2}), Goflow2.names)
    assert add_up(frame, joined=False) == Sums(1, 10, 2)


def test_what_is_no_record_is_told() -> None:
    with pytest.raises(BadRecordsError):
        json_frame(b"not json\n", Ours.names)


def test_routes_of_events_are_counted_in_both_forms() -> None:
    table = make_table(50)
    texts = [
        f"{'.'.join(map(str, network.to_bytes(4)))}/{length}"
        for network, length in zip(table.networks.tolist(), table.lengths.tolist(), strict=True)
    ]
    ours = orjson.dumps({"bgp": {"announced": [{"afi": 1, "prefix": text} for text in texts]}})
    theirs = b"\n".join(orjson.dumps({"ip_prefix": text}) for text in texts)
    assert routes_in(ours) == routes_in(theirs) == routes_of(table)
    assert routes_in(theirs.replace(texts[3].encode(), b"1.2.3.4/32")) != routes_of(table)
    assert routes_in(b"") == (0, 0)


def test_markers_say_which_route_answered() -> None:
    frame = json_frame(
        _lines(_OURS, _OURS | {"destinationAddress": "1.2.3.4"}, _OURS | {"destinationMed": None}),
        Ours.names,
    )
    assert marker_answers(frame) == [(1, 4), (1, 0)]


def test_the_age_of_an_answer_is_since_when_it_was_wrong() -> None:
    announced_s = [10.0, 20.0, 30.0]
    sent_s = [15.0, 25.0, 35.0]
    assert answer_ages([(0, 1), (1, 2), (2, 3)], sent_s, announced_s) == [0.0, 0.0, 0.0]
    # Joined with a route that came after the flow was sent: not old either.
    assert answer_ages([(0, 2)], sent_s, announced_s) == [0.0]
    assert answer_ages([(1, 1), (2, 1), (2, 0)], sent_s, announced_s) == [5.0, 15.0, 25.0]


def test_growth_is_that_of_the_peaks_after_the_first_minute() -> None:
    mebibyte = 1 << 20
    samples = [(second, mebibyte * (500 - second)) for second in range(0, 60, 2)]
    samples += [(second, mebibyte * (100 + second + second % 15)) for second in range(60, 180, 2)]
    assert growth(samples, 15.0) == pytest.approx(60.0, rel=0.05)
    assert growth(samples[:30], 15.0) != growth(samples[:30], 15.0)  # NaN


def _lines(*records: dict) -> bytes:
    return b"".join(orjson.dumps(record) + b"\n" for record in records)
