"""`Allowance`: so many at once, then so many a second."""

from collector.workers.allowance import Allowance


def test_what_is_taken_comes_back_with_time() -> None:
    allowance = Allowance(2, 3)
    assert [allowance.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert [allowance.take(10.5), allowance.take(10.5)] == [True, False]
    assert [allowance.take(1000.0) for _ in range(4)] == [True, True, True, False]
