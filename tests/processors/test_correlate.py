"""Flows joined with routes: as a search of every route, one flow after the other, answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.metrics import Counters
from collector.pipeline.devices import DeviceDirectory, DeviceSettings
from collector.processors.correlate import JOIN_TEXTS, STATE_TEXTS, Correlator
from collector.protocols.bgp.route_distinguisher import rd_text
from collector.records.flow_batch import IPV4_MAPPED, FlowBatch, SetColumns
from collector.records.publish import Tables, published_frame
from collector.records.raw_columns import BatchColumns
from collector.rib.paths import Path
from collector.rib.peer import GLOBAL_RD, PeerKey
from collector.rib.rib import Rib
from collector.rib.sync import RibState
from collector.rib.view import View
from tests.rib.linear import LinearRib
from tests.rib.wire import KeyedReader, add_path, prefix

VIEWS = (View.LOC_RIB, View.ADJ_RIB_IN_POST, View.ADJ_RIB_IN_PRE)
RD = bytes.fromhex("0000fde800000064")
ROUTER, OTHER, REFLECTED, REFLECTOR = "192.0.2.1", "2001:db8::2", "192.0.2.3", "192.0.2.4"
SETTINGS = (
    DeviceSettings((OTHER,), views=(View.ADJ_RIB_IN_PRE,)),
    DeviceSettings((REFLECTED,), rib_of=REFLECTOR),
)


@dataclass(frozen=True)
class Flow:
    device: str = ROUTER
    source: str | None = None
    destination: str | None = None
    rd: bytes = GLOBAL_RD
    next_hop: str | None = None


class Bench:
    """A RIB, who asks it, and the records that come of it."""

    def __init__(self, devices: Sequence[DeviceSettings] = SETTINGS) -> None:
        self.counters = Counters()
        self.rib = Rib(counters=self.counters, reader=KeyedReader())
        self.directory = DeviceDirectory(devices, self.counters)
        self._correlator = Correlator(self.rib, self.directory, VIEWS, self.counters)

    def announce(
        self,
        text: str,
        path: Path,
        device: str = ROUTER,
        view: View = View.LOC_RIB,
        rd: bytes = GLOBAL_RD,
        peer: str | None = None,
    ) -> None:
        key = PeerKey(0, GLOBAL_RD, peer, "192.0.2.9")
        if not self.rib.is_owned(device, key):
            self.rib.peer_up(device, 1, key, 0.0)
        owner = self.rib.peer(device, 1, key)
        assert owner is not None
        table = owner.table(view, rd, family_of(text))
        assert table is not None
        table.announce(prefix(text), None, add_path(self.rib.paths, path))

    def join(self, *flows: Flow) -> list[dict[str, Any]]:
        batch = batch_of(self.directory, flows)
        rds = np.array([int.from_bytes(flow.rd) for flow in flows], np.uint64)
        self._correlator.correlate(batch, rds if rds.any() else None)
        tables = Tables(
            self.directory.names,
            {"destinationJoin": JOIN_TEXTS, "sourceJoin": JOIN_TEXTS, "ribState": STATE_TEXTS},
            self.rib.paths,
            lambda rd: rd_text(rd.to_bytes(8, "big")),
        )
        return list(published_frame(BatchColumns(batch), tables).iter_rows(named=True))


def batch_of(directory: DeviceDirectory, flows: Sequence[Flow]) -> FlowBatch:
    none = np.zeros(1, np.int64)
    batch = FlowBatch(len(flows), {}, {}, SetColumns(*[none] * 10), np.zeros(len(flows), np.int64))
    exporters = np.array([directory.exporter(flow.device) for flow in flows], np.uint32)
    batch.add("exporterAddress", exporters)
    batch.add("device", directory.devices(exporters))
    add_addresses(batch, "sourceAddress", [flow.source for flow in flows])
    add_addresses(batch, "destinationAddress", [flow.destination for flow in flows])
    add_addresses(batch, "bgpNextHopAddress", [flow.next_hop or "0.0.0.0" for flow in flows])
    return batch


def add_addresses(batch: FlowBatch, name: str, texts: Sequence[str | None]) -> None:
    known = [0 if text is None else int(ip_address(text)) for text in texts]
    mapped = [
        number | int(IPV4_MAPPED) if text is not None and "." in text else number
        for text, number in zip(texts, known, strict=True)
    ]
    high = np.array([number >> 64 for number in mapped], np.uint64)
    low = np.array([number & (1 << 64) - 1 for number in mapped], np.uint64)
    valid = np.array([text is not None for text in texts])
    batch.add_address(name, high, low, None if valid.all() else valid)


def family_of(text: str) -> tuple[int, int]:
    return (1 if ip_network(text).version == 4 else 2), 1


def test_both_sides_of_a_flow_are_joined() -> None:
    bench = Bench()
    there = Path(as_path_text="64500 64501", origin_as=64501, peer_as=64500, next_hop="10.9.9.9")
    bench.announce("10.0.0.0/8", there)
    bench.announce(
        "10.1.2.0/24", Path(communities=("1:2",), local_pref=200, med=0), peer="10.0.0.1"
    )
    bench.announce("2001:db8::/32", Path(as_path_text="1"))
    (v4, v6, none) = bench.join(
        Flow(source="10.5.5.5", destination="10.1.2.3"),
        Flow(source="2001:db9::1", destination="2001:db8::1"),
        Flow(source="10.5.5.5", destination="11.0.0.1"),
    )
    assert v4 == v4 | {
        "sourcePrefix": "10.0.0.0/8",
        "sourceJoin": "loc-rib",
        "sourceAsPath": "64500 64501",
        "sourceOriginAs": 64501,
        "sourcePeerAs": 64500,
        "sourceNextHop": "10.9.9.9",
        "sourceLocalPref": None,
        "destinationPrefix": "10.1.2.0/24",
        "destinationJoin": "loc-rib",
        "destinationCommunities": ["1:2"],
        "destinationLocalPref": 200,
        "destinationMed": 0,
        "ribState": "syncing",
    }
    assert (v6["destinationPrefix"], v6["sourcePrefix"], v6["sourceJoin"]) == (
        "2001:db8::/32",
        None,
        "none",
    )
    assert (none["destinationJoin"], none["destinationAsPath"], none["sourceJoin"]) == (
        "none",
        None,
        "loc-rib",
    )
    assert bench.counters["flow_unjoined"] == 1


def test_a_flow_without_an_address_has_no_default_route() -> None:
    bench = Bench()
    for text in ("0.0.0.0/0", "::/0"):
        bench.announce(text, Path())
    joined = bench.join(Flow(source="10.0.0.1"), Flow(destination="2001:db8::1"), Flow())
    assert [(row["sourcePrefix"], row["destinationPrefix"]) for row in joined] == [
        ("0.0.0.0/0", None),
        (None, "::/0"),
        (None, None),
    ]
    assert [row["ribState"] for row in joined] == ["syncing", "syncing", "none"]


def test_a_batch_that_has_no_addresses_at_all() -> None:
    bench = Bench()
    batch = FlowBatch(2, {}, {}, SetColumns(*[np.zeros(1, np.int64)] * 10), np.zeros(2, np.int64))
    batch.add("device", np.zeros(2, np.uint32))
    bench.directory.exporter(ROUTER)
    Correlator(bench.rib, bench.directory, VIEWS, Counters()).correlate(batch, None)
    assert batch.columns["destinationJoin"].tolist() == [0, 0]


def test_a_device_s_own_views_come_before_those_of_whose_tables_answer() -> None:
    devices = (
        DeviceSettings((ROUTER,), rib_of=REFLECTOR, views=(View.ADJ_RIB_IN_POST,)),
        DeviceSettings((REFLECTED,), rib_of=REFLECTOR),
        DeviceSettings((REFLECTOR,), views=(View.ADJ_RIB_IN_PRE,)),
    )
    bench = Bench(devices)
    for view in VIEWS:
        bench.announce("10.0.0.0/8", Path(next_hop=view.text), device=REFLECTOR, view=view)
    joined = bench.join(*[Flow(name, destination="10.0.0.1") for name in (ROUTER, REFLECTED)])
    assert [row["destinationJoin"] for row in joined] == ["adj-rib-in-post", "adj-rib-in-pre"]


def test_the_bgp_next_hop_of_a_flow_chooses_also_in_the_form_of_6pe() -> None:
    bench = Bench()
    for number, hop in enumerate(["2001:db8::1", "::ffff:10.0.0.7", "10.0.0.8"], 1):
        bench.announce("2001:db8::/32", Path(next_hop=hop), peer=f"10.0.0.{number}")
    hops = ["10.0.0.7", "10.0.0.8", "2001:db8::1", "10.99.0.1", None]
    joined = bench.join(*[Flow(destination="2001:db8::5", next_hop=hop) for hop in hops])
    assert [row["destinationNextHop"] for row in joined] == [
        "::ffff:10.0.0.7",
        "10.0.0.8",
        "2001:db8::1",
        "2001:db8::1",
        "2001:db8::1",
    ]


PREFIXES = ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32"]
PREFIXES += ["::/0", "2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::1/128"]
HOSTS = ["10.1.2.3", "10.1.2.4", "10.9.9.9", "192.0.2.200", "2001:db8:1::1", "2001:db8::9", "2::"]
DEVICES = [ROUTER, OTHER, REFLECTED, REFLECTOR]
HOPS = ["10.0.0.7", "2001:db8::7", "10.0.0.8"]

ROUTES = st.lists(
    st.tuples(
        st.sampled_from([ROUTER, OTHER, REFLECTOR]),
        st.sampled_from([None, "10.0.0.1", "2001:db8::a"]),
        st.sampled_from(VIEWS),
        st.sampled_from([GLOBAL_RD, RD]),
        st.sampled_from(PREFIXES),
        st.fixed_dictionaries(
            {
                "next_hop": st.sampled_from(HOPS),
                "local_pref": st.sampled_from([None, 100, 200]),
                "path_length": st.integers(0, 2),
            }
        ).map(lambda says: Path(**says)),
    ),
    max_size=40,
)
FLOWS = st.lists(
    st.builds(
        Flow,
        device=st.sampled_from(DEVICES),
        source=st.sampled_from([None, *HOSTS]),
        destination=st.sampled_from([None, *HOSTS]),
        rd=st.sampled_from([GLOBAL_RD, GLOBAL_RD, RD]),
        next_hop=st.sampled_from([None, *HOPS]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=80, deadline=None)
@given(routes=ROUTES, whole=st.sets(st.sampled_from(VIEWS)), flows=FLOWS)
def test_random_flows_are_joined_as_a_search_of_all_routes_joins_them(
    routes: list[tuple[str, str | None, View, bytes, str, Path]],
    whole: set[View],
    flows: list[Flow],
) -> None:
    bench, model = Bench(), LinearRib(600)
    owners = {}
    for device, address, *_ in routes:
        key = PeerKey(0, GLOBAL_RD, address, "192.0.2.9")
        if (device, key) not in owners:
            owner = bench.rib.peer_up(device, 1, key, 0.0)
            owners[device, key] = owner, model.peer_up(device, 1, key, 0.0)
    for device, address, view, rd, text, path in routes:
        owner, slow = owners[device, PeerKey(0, GLOBAL_RD, address, "192.0.2.9")]
        family = family_of(text)
        table = owner.table(view, rd, family)
        table.announce(prefix(text), None, add_path(bench.rib.paths, path))
        slow.routes[view, rd, family, text, None] = path, ()
    for owner, slow in owners.values():
        for view in whole:
            for family in ((1, 1), (2, 1)):
                bench.rib.end_of_rib(owner, view, family)
                model.end_of_rib(slow, view, family)
    for flow, row in zip(flows, bench.join(*flows), strict=True):
        device = REFLECTOR if flow.device == REFLECTED else flow.device
        views = (View.ADJ_RIB_IN_PRE,) if flow.device == OTHER else VIEWS
        for side, host, hop in (
            ("source", flow.source, None),
            ("destination", flow.destination, flow.next_hop),
        ):
            wanted = model.ask(device, host, flow.rd, views, hop) if host else None
            told = [row[f"{side}{what}"] for what in ("NextHop", "Prefix", "Join")]
            if wanted is None:
                assert told == [None, None, "none"]
                continue
            path, length, view, state = wanted
            network = ip_network(f"{host}/{length}", strict=False)
            assert told == [path.next_hop, str(network), view.text]
            if side == "destination":
                assert row["ribState"] == RibState(state).text
        assert row.get("destinationRd") == (None if flow.rd == GLOBAL_RD else rd_text(RD))
