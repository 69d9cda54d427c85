"""What the supervisor is told: sockets, who is let in, workers."""

import pytest

from collector.nfacctd.native import allowed_by_steering, to_native
from collector.nfacctd.settings import BmpSettings, Settings


def test_sockets_and_workers() -> None:
    found = to_native(
        Settings(ip="192.0.2.1", port=2055, pipe_size=4_096_000, bmp=BmpSettings(enabled=True)),
        workers=3,
        log_level="debug",
    )
    assert (found.collector.workers, found.collector.log_level) == (3, "debug")
    flow, bmp = found.listen
    assert (flow.kind, flow.address, flow.port) == ("flow", "192.0.2.1", 2055)
    assert flow.receive_buffer_octets == 4_096_000
    assert (bmp.kind, bmp.address, bmp.port) == ("bmp", "::", 1790)


def test_without_bmp_daemon_nobody_listens_for_bmp() -> None:
    (flow,) = to_native(Settings()).listen
    assert (flow.kind, flow.address, flow.port) == ("flow", "::", 2100)
    assert flow.receive_buffer_octets == 64 << 20


@pytest.mark.parametrize(
    ("allow", "bmp", "allowed"),
    [
        (None, BmpSettings(), ()),
        (("192.0.2.1/32",), BmpSettings(), ("192.0.2.1/32",)),
        (("192.0.2.1/32",), BmpSettings(enabled=True), ()),
        (None, BmpSettings(enabled=True, allow=("192.0.2.1/32",)), ()),
        (("a", "b"), BmpSettings(enabled=True, allow=("b", "c")), ("a", "b", "c")),
        ((), BmpSettings(), ("::/128",)),
    ],
)
def test_steering_lets_in_who_may_send_either(allow, bmp: BmpSettings, allowed) -> None:
    assert allowed_by_steering(Settings(allow=allow, bmp=bmp)) == allowed
