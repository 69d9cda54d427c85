"""Tables and join from octets on, in one process: `python -m tests.bench.bench_tables [routes]`.

Where `tests.bench` measures whole collectors, this shows which part of one costs what.
"""

import gc
import multiprocessing
import random
import sys
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from collector.metrics import Counters
from collector.pipeline.devices import DeviceDirectory
from collector.processors.bgp_paths import AttributeReader
from collector.processors.bmp_tables import BmpTables
from collector.processors.correlate import Correlator
from collector.protocols.bmp.decoder import BmpDecoder
from collector.protocols.bmp.framing import BmpFramer
from collector.protocols.bmp.json_form import message_json
from collector.records.encode import encode_events
from collector.records.flow_batch import IPV4_MAPPED, FlowBatch
from collector.records.path_columns import PathColumns
from collector.rib.rib import Rib
from collector.rib.view import View
from collector.simulation.bgp import Route, announcement
from collector.simulation.bmp import Peer, route_monitoring
from tests.bench.table import NEXT_HOP, BenchTable, make_table

_DEVICE = "192.0.2.1"
_VIEWS = (View.LOC_RIB, View.ADJ_RIB_IN_POST, View.ADJ_RIB_IN_PRE)
_READ_OCTETS = 16_384
_EVENTS_AT_ONCE = 1000
_SHARED_ROUTES = 200_000
_DEVICES = 20
_FLOWS = 10_000  # a batch
_BATCHES = 40
_ADDRESSES = 100_000
_UPDATES = 4000  # a batch: 20 000 a second at 50 000 flows


def pss() -> int:
    """Octets of memory that this process does not share."""
    gc.collect()
    lines = FilePath("/proc/self/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) << 10


class Router:
    """One BMP session into a RIB."""

    def __init__(self, rib: Rib, device: str, number: int) -> None:
        self.rib = rib
        self.tables = BmpTables(rib, device, number, Counters())
        self.decoder = BmpDecoder()
        rib.session_up(device, number)

    def load(self, octets: bytes, *, told: Callable[[Any], None] = lambda message: None) -> None:
        """Send a whole session, as a socket gives it out."""
        framer = BmpFramer()
        for start in range(0, len(octets), _READ_OCTETS):
            for message in framer.feed(octets[start : start + _READ_OCTETS]):
                decoded = self.decoder.decode(message)
                self.tables.apply(decoded, 1.0)
                told(decoded)
        self.rib.tick(1.0)


def new_rib() -> Rib:
    return Rib(counters=Counters(), reader=AttributeReader())


def table_load(table: BenchTable) -> Router:
    """Row F without its sockets, and what the texts of all paths cost when they are shown."""
    rib, count = new_rib(), len(table.networks)
    router = Router(rib, _DEVICE, 1)
    before, start_s = pss(), time.process_time()
    router.load(table.bmp)
    cost = (time.process_time() - start_s) / count * 1e6
    print(f"F: {count} routes: {cost:.2f} us, {(pss() - before) / count:.1f} octets a route")
    start_s = time.process_time()
    columns = PathColumns(rib.paths)
    rows = columns.rows(np.arange(1, len(rib.paths) + 1, dtype=np.int32))
    for name in ("AsPath", "Communities", "NextHop", "LocalPref", "Med", "PeerAs"):
        columns.column(name, rows)
    cost = (time.process_time() - start_s) / len(rib.paths) * 1e6
    print(f"texts of {len(rib.paths)} paths: {cost:.2f} us each")
    return router


def events(table: BenchTable) -> None:
    """Row G without Kafka."""
    waiting: list[dict[str, Any]] = []
    octets = 0

    def told(message: Any) -> None:
        nonlocal octets
        waiting.append({"device": _DEVICE, **message_json(message)})
        if len(waiting) >= _EVENTS_AT_ONCE:
            octets += sum(len(payload) for _, payload in encode_events(waiting, "json").messages)
            waiting.clear()

    start_s = time.process_time()
    Router(new_rib(), _DEVICE, 1).load(table.bmp, told=told)
    cost = (time.process_time() - start_s) / len(table.networks) * 1e6
    print(f"G: {cost:.2f} us and {octets / len(table.networks):.0f} octets of JSON a route")


def many_devices(own_next_hops: bool) -> None:
    """Rows J and J2: what each device after the first adds."""
    rib, table = new_rib(), make_table(_SHARED_ROUTES)
    count = len(table.networks)
    heads = [bytes((0x40, 3, 4)) + bytes((10, 0, number, 1)) for number in range(_DEVICES)]
    shared = bytes((0x40, 3, 4)) + ip_address(NEXT_HOP).packed
    routers = []
    before = 0
    for number, head in enumerate(heads):
        routers.append(Router(rib, f"10.0.{number}.1", number + 1))
        routers[-1].load(table.bmp.replace(shared, head) if own_next_hops else table.bmp)
        before = before or pss()
    octets = (pss() - before) / count / (_DEVICES - 1)
    kind = "J2: own next hops" if own_next_hops else "J: the same routes"
    print(f"{kind}: {octets:.1f} octets a route for each further device, {len(rib.paths)} paths")


class Flows:
    """Batches of flows of one device, and the join with its tables."""

    def __init__(self, rib: Rib, table: BenchTable) -> None:
        directory = DeviceDirectory([], Counters())
        self._device = directory.names.index(_DEVICE) if _DEVICE in directory.names else 0
        if not directory.names:
            directory.names.append(_DEVICE)
        self._rib = rib
        self._correlator = Correlator(rib, directory, _VIEWS, Counters())
        self._rng = np.random.default_rng(7)
        routes = self._rng.integers(len(table.networks), size=_ADDRESSES)
        hosts = self._rng.integers(1, 256, _ADDRESSES).astype(np.uint32)
        self._known = table.networks[routes] | hosts

    def known(self) -> np.ndarray:
        return self._rng.choice(self._known, _FLOWS)

    def at_random(self) -> np.ndarray:
        return self._rng.integers(1 << 24, 100 << 24, _FLOWS, np.uint32)

    def batches(self, addresses: Callable[[], np.ndarray]) -> list[FlowBatch]:
        return [self._batch(addresses(), addresses()) for _ in range(_BATCHES)]

    def join(
        self, batches: list[FlowBatch], before_each: Callable[[int], None] = lambda number: None
    ) -> float:
        """Join; CPU microseconds a flow, without what is done before each batch."""
        cost_s = 0.0
        for number, batch in enumerate(batches):
            before_each(number)
            start_s = time.process_time()
            self._correlator.correlate(batch, None)
            cost_s += time.process_time() - start_s
        return cost_s / len(batches) / _FLOWS * 1e6

    def _batch(self, sources: np.ndarray, destinations: np.ndarray) -> FlowBatch:
        upper = np.zeros(_FLOWS, np.uint64)
        next_hop = np.full(_FLOWS, int(ip_address(NEXT_HOP)), np.uint64)
        columns = {"device": np.full(_FLOWS, self._device, np.uint32)}
        for name, values in (
            ("sourceAddress", sources),
            ("destinationAddress", destinations),
            ("bgpNextHopAddress", next_hop),
        ):
            columns[f"{name}.hi"] = upper
            columns[f"{name}.lo"] = values.astype(np.uint64) | IPV4_MAPPED
        return FlowBatch(_FLOWS, columns, {}, None, np.zeros(_FLOWS, np.int64))


def updates(table: BenchTable) -> Iterator[bytes]:
    """Routes that the table has, one after the other, with attributes that it has not."""
    chosen = random.Random(3)
    peer = Peer(NEXT_HOP, 64_900, NEXT_HOP)
    networks, lengths = table.networks.tolist(), table.lengths.tolist()
    while True:
        row = chosen.randrange(len(networks))
        path = (64_900, chosen.randrange(1_000, 60_000), chosen.randrange(1_000, 60_000))
        route = Route(path, NEXT_HOP, local_pref=100, med=chosen.randrange(100))
        prefix = f"{ip_address(networks[row])}/{lengths[row]}"
        yield route_monitoring(peer, announcement([prefix], route), 1.0)


def joins(router: Router, table: BenchTable) -> None:
    """The join's part of rows C, C3 and K."""
    rib = router.rib
    flows = Flows(rib, table)
    first = flows.join(flows.batches(flows.known))
    print(f"C: join, {_ADDRESSES} addresses, first time: {first:.3f} us a flow")
    quiet = flows.batches(flows.known)
    print(f"C: join, again: {flows.join(quiet):.3f} us a flow")
    print(f"C3: join, addresses at random: {flows.join(flows.batches(flows.at_random)):.3f} us")
    flows.join(quiet)
    source = updates(table)
    cost_s = 0.0

    def churn(number: int) -> None:
        nonlocal cost_s
        messages = [next(source) for _ in range(_UPDATES)]
        start_s = time.process_time()
        for message in messages:
            router.tables.apply(router.decoder.decode(message), 2.0)
        rib.device_statistics(_DEVICE)
        if number % 5 == 4:  # a second's worth
            rib.tick(2.0 + number)
        cost_s += time.process_time() - start_s

    before = flows.join(quiet)
    during = flows.join(quiet, churn)
    each = cost_s / _BATCHES / _UPDATES * 1e6
    print(f"K: join {during:.3f} us a flow, without churn {before:.3f}; {each:.1f} us an update")


def one_table(routes: int) -> None:
    """Rows F, C, C3, K and G."""
    table = make_table(routes)
    joins(table_load(table), table)
    events(table)


def main() -> None:
    """Run each group in a process of its own: memory that another freed would hide its own."""
    routes = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    context = multiprocessing.get_context("spawn")
    for what, argument in ((one_table, routes), (many_devices, False), (many_devices, True)):
        process = context.Process(target=what, args=(argument,))
        process.start()
        process.join()


if __name__ == "__main__":
    main()
