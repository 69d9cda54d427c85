"""Messages that one read brings together leave what they leave one by one."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.rib.shared import Limits
from collector.simulation import bgp, bmp
from collector.workers import bmp_reading
from tests.protocols.bgp.updates import bodies
from tests.protocols.bgp.wire import add_path, capabilities, prefix, update
from tests.protocols.bgp.wire import bgp as bgp_message
from tests.protocols.bmp.wire import message, monitoring, peer_up, per_peer
from tests.workers.bmp_bench import BmpBench

_BOTH = capabilities(add_path((1, 1, 3)))
_PEERS = (per_peer(), per_peer(address="192.0.2.3"), per_peer(flags=0x20), per_peer(flags=0x40))
_fixed = (
    peer_up(b"", b""),
    peer_up(_BOTH, _BOTH),
    peer_up(b"", b"", _PEERS[1]),
    message(2, per_peer() + b"\4"),
    monitoring(update()),
    message(0, per_peer() + bgp_message(2, b"\0\0")),
)
_messages = st.one_of(
    bodies.map(monitoring),
    st.tuples(bodies, st.sampled_from(_PEERS)).map(lambda pair: monitoring(*pair)),
    st.lists(bodies, min_size=3, max_size=5).map(lambda some: b"".join(map(monitoring, some))),
    st.sampled_from(_fixed),
)


@pytest.fixture(name="together", autouse=True)
def _together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bmp_reading, "_MANY", 2)
    monkeypatch.setattr(bmp_reading, "_SOME", 2)


def _left(messages: list[bytes], at_once: int, limits: Limits | None = None) -> dict[str, Any]:
    """What messages leave behind; so many are handed over at once."""
    bench = BmpBench(limits=limits)
    session = bench.open()
    for first in range(0, len(messages), at_once):
        assert bench.send(session, *messages[first : first + at_once])
    told = {}
    paths = bench.rib.paths
    for chunk in bench.rib.routes("192.0.2.1"):
        for route in chunk:
            path = route.path
            columns = (paths.rank, paths.origin_as, paths.peer_as, paths.local_pref, paths.med)
            says = paths.path(path), *(int(column[path]) for column in columns)
            assert says == told.setdefault(route._replace(path=0), says)
    events = bench.events
    bench.rib.tick(1e9)
    return {
        "routes": told,
        "events": events,
        "counters": dict(bench.counters),
        "paths": len(paths),
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_messages, max_size=12), st.integers(2, 40))
def test_whatever_a_router_sends(parts: list[bytes], at_once: int) -> None:
    messages = _cut(parts)
    assert _left(messages, at_once) == _left(messages, 1)


def _cut(parts: list[bytes]) -> list[bytes]:
    """Cut what has several messages in it."""
    messages, octets = [], b"".join((peer_up(b"", b""), *parts))
    while octets:
        length = int.from_bytes(octets[1:5])
        messages.append(octets[:length])
        octets = octets[length:]
    return messages


def _announce(prefixes: list[str], med: int, via: str = "10.9.9.9") -> bytes:
    route = bgp.Route([64500, 64501], via, med=med)
    return bmp.route_monitoring(
        bmp.Peer("192.0.2.1", 65001, "198.51.100.1"), bgp.announcement(prefixes, route)
    )


def test_the_last_word_on_a_prefix_counts() -> None:
    withdrawn = monitoring(update(withdrawn=prefix("10.1.0.0/16")))
    messages = [
        peer_up(b"", b""),
        _announce(["10.1.0.0/16", "10.2.0.0/16"], 1),
        _announce(["10.1.0.0/16", "10.1.0.0/16"], 2),
        withdrawn,
        _announce(["10.2.0.0/16"], 3),
        _announce(["10.3.0.0/16"], 3, "10.8.8.8"),
        withdrawn,
    ]
    left = _left(messages, len(messages))
    assert left == _left(messages, 1)
    meds = {route.octets: says[0].med for route, says in left["routes"].items()}
    assert meds == {prefix("10.2.0.0/16"): 3, prefix("10.3.0.0/16"): 3}


@pytest.mark.parametrize("limits", [Limits(paths=2), Limits(routes_per_peer=3)])
def test_limits_hold(limits: Limits) -> None:
    messages = [peer_up(b"", b"")]
    messages += [_announce([f"10.{n}.0.0/16"], n % 5) for n in range(8)]
    left = _left(messages, len(messages), limits)
    assert left == _left(messages, 1, limits)
    assert any(
        name.startswith(("rib_paths_refused", "rib_routes_dropped")) for name in left["counters"]
    )
