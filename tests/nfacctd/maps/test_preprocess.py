"""kafka_preprocess and print_preprocess: checks on counters at a purge."""

import pytest

from collector.nfacctd.maps.preprocess import read_preprocess, takes_counts
from collector.nfacctd.settings import Preprocess


def test_checks_are_read() -> None:
    assert read_preprocess("minp=3, MINB=1000", match_all=True) == Preprocess(
        minp=3, minb=1000, match_all=True
    )


@pytest.mark.parametrize(
    ("text", "any_", "all_"),
    [
        ("minp=10", True, True),
        ("minp=11", False, False),
        ("maxp=11", True, True),
        ("maxp=10", False, False),
        ("minp=10,minb=2000", True, False),
        ("minp=11,minb=1000", True, False),
        ("minbpp=100,minppf=5", True, True),
        ("minbpp=101", False, False),
        ("maxbpp=101,maxppf=6,maxf=3,maxb=1001,minf=2", True, True),
    ],
)
def test_checks(text: str, any_: bool, all_: bool) -> None:
    counts = {"packets": 10, "octets": 1000, "flows": 2}
    assert takes_counts(read_preprocess(text, match_all=False), **counts) is any_
    assert takes_counts(read_preprocess(text, match_all=True), **counts) is all_


def test_ratio_without_divisor_fails() -> None:
    for check in ("minbpp=1", "maxbpp=9", "minppf=1", "maxppf=9"):
        assert not takes_counts(read_preprocess(check, match_all=False), 0, 5, 0)


def test_no_check_takes_all() -> None:
    assert takes_counts(Preprocess(), 0, 0, 0)


@pytest.mark.parametrize("text", ["", "minp", "minp=0", "minp=x", "qnum=5", "minp=1,minp=2"])
def test_malformed_checks(text: str) -> None:
    with pytest.raises(ValueError):
        read_preprocess(text, match_all=False)
