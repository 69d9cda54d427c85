"""How often something dear may be done: so many times at once, and so many a second after that."""


class Allowance:
    """Grows with time up to what may be taken at once."""

    __slots__ = ("_a_second", "_at_once", "_left", "_seen_s")

    def __init__(self, a_second: float, at_once: float) -> None:
        self._a_second = a_second
        self._at_once = self._left = at_once
        self._seen_s: float | None = None

    def take(self, now_s: float) -> bool:
        """Take one, if there is one left; ``now_s`` is of a clock that only moves on."""
        if self._seen_s is not None:
            grown = self._left + (now_s - self._seen_s) * self._a_second
            self._left = min(grown, self._at_once)
        self._seen_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True
