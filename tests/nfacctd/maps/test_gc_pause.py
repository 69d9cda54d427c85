"""The garbage collector rests while a map is loaded, and goes on whatever comes of the load."""

import gc
from collections.abc import Iterator

import pytest

from collector.nfacctd.maps.gc_pause import collector_paused


@pytest.fixture(autouse=True)
def _collector_as_it_was() -> Iterator[None]:
    was_enabled = gc.isenabled()
    yield
    (gc.enable if was_enabled else gc.disable)()


def test_collector_goes_on_after_a_failure() -> None:
    gc.enable()
    with pytest.raises(ValueError), collector_paused():
        assert not gc.isenabled()
        raise ValueError
    assert gc.isenabled()


def test_collector_that_rested_before_still_rests() -> None:
    gc.disable()
    with collector_paused():
        pass
    assert not gc.isenabled()
