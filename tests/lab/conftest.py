"""The lab's fixtures: skipped by name where the machine cannot, daemon logs where a test fails."""

import shutil
from collections.abc import Generator, Iterator
from functools import cache

import pytest

from tests.lab.devices import Lan
from tests.lab.namespaces import Network, missing_rights
from tests.lab.service import missing_for_ebpf

_PROGRAMS = (
    *("ip", "setpriv", "sysctl", "/usr/lib/frr/bgpd", "vtysh", "gobgpd", "gobgp"),
    *("softflowd", "softflowctl", "pmacctd", "tshark", "dumpcap"),
)


@cache
def _missing() -> str | None:
    rights = missing_rights()
    programs = [name for name in _PROGRAMS if shutil.which(name) is None]
    return rights or (f"needs {', '.join(programs)}" if programs else None)


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """An empty network of namespaces, gone after the module's tests."""
    missing = _missing()
    if missing:
        pytest.skip(missing)
    with Network() as made:
        yield made


@pytest.fixture(scope="module")
def lan(network: Network) -> Iterator[Lan]:
    """The collector's namespace, and one with all devices."""
    made = Lan(network)
    yield made
    made.close()


@pytest.fixture(scope="module", params=["ebpf", "cbpf"])
def rung(request: pytest.FixtureRequest) -> str:
    """Both kinds of steering that a pool can have."""
    if request.param == "ebpf" and missing_for_ebpf():
        pytest.skip(f"needs {', '.join(missing_for_ebpf())}")
    return request.param


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of each daemon's log below a failure."""
    report = yield
    if report.failed:
        for running in Network.running:
            for daemon in running.daemons:
                report.sections.append((f"log of {daemon.label}", daemon.tail()))
    return report
