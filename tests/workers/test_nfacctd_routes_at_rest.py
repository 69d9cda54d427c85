"""Routes that have come are left out of the collections of cycles."""

import gc

from collector.metrics import Counters
from collector.simulation import bgp, bmp
from collector.workers.guard import Guard
from collector.workers.nfacctd_bmp_path import NfacctdBmpPath
from tests.nfacctd.bmp.lab import PEER, ROUTE, Lab, up

_ROUTES = 21_000


def test_many_new_routes_come_to_rest_once() -> None:
    lab = Lab(log=False)
    counters = Counters()
    path = NfacctdBmpPath(lab.daemon, counters, Guard(counters), None, lambda: True)
    connection = lab.open()
    prefixes = [f"20.{n >> 8 & 255}.{n & 255}.0/24" for n in range(_ROUTES)]
    updates = bgp.announcements(prefixes, ROUTE)
    gc.unfreeze()
    try:
        lab.send(connection, up())
        path.rest()
        assert gc.get_freeze_count() == 0
        lab.send(connection, *(bmp.route_monitoring(PEER, update) for update in updates))
        path.rest()
        frozen = gc.get_freeze_count()
        assert frozen > _ROUTES
        lab.send(connection, bmp.peer_down(PEER))
        path.rest()
        assert lab.daemon.routes == 0
        assert gc.get_freeze_count() <= frozen - _ROUTES
    finally:
        gc.unfreeze()
