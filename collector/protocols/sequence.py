"""Sequence numbers of one observation domain: what was lost, came late or began anew.

NetFlow v5 counts flows, v9 datagrams (RFC 3954 section 5.1), IPFIX data records (RFC 7011 section
3.1), each modulo 2^32: a datagram says how many came before it. UDP reorders and routers restart,
so not every surprise is a loss.
"""

from typing import NamedTuple

MODULUS = 1 << 32
UNKNOWN = -1  # no datagram has this sequence number
# Ahead by more than this nobody believes in a loss; behind by more, nobody in a late datagram.
MAX_LOST = 1 << 20
MAX_LATE = 1 << 16
# As many datagrams in a row, behind but in order among themselves, are a restart at a low number.
RESTART_RUN = 4


class Surprise(NamedTuple):
    """A datagram that was not the expected one: "gap", "late" or "restart"; ``lost`` in a gap."""

    kind: str
    lost: int = 0


class SequenceTracker:
    """Follows one sequence, in constant time and space.

    ``gaps`` counts the holes, ``lost`` what was missing in them, ``recovered`` what came late into
    them, ``late`` the datagrams out of order, ``restarts`` how often the sequence began anew. Units
    of ``lost`` and ``recovered`` are those of the sequence: flows, datagrams or records.
    """

    __slots__ = (
        "_late_next",
        "_late_run",
        "_late_while_expecting",
        "_missing",
        "expected",
        "gaps",
        "late",
        "lost",
        "recovered",
        "restarts",
    )

    def __init__(self) -> None:
        self.expected = UNKNOWN
        self.gaps = self.lost = self.recovered = self.late = self.restarts = 0
        self._missing = 0  # of the last gap, so that duplicates do not recover what was never lost
        self._late_next = self._late_while_expecting = UNKNOWN
        self._late_run = 0

    def follow(self, sequence: int, amount: int) -> Surprise | None:
        """Take a datagram with ``sequence`` that adds ``amount`` (``UNKNOWN``: nobody can tell).

        After an unknown amount the next datagram is taken as it comes: a guess would be a gap that
        is not there.

        Returns:
            None where it was the expected one or nothing was expected.
        """
        if sequence == self.expected and amount != UNKNOWN:  # nearly always; the rest may cost
            self.expected = (sequence + amount) % MODULUS
            return None
        if self.expected in (sequence, UNKNOWN):
            self._expect_after(sequence, amount)
            return None
        ahead = (sequence - self.expected) % MODULUS
        if ahead <= MAX_LOST:
            self.gaps += 1
            self.lost += ahead
            self._missing = ahead
            self._expect_after(sequence, amount)
            return Surprise("gap", ahead)
        if MODULUS - ahead <= MAX_LATE and not self._began_anew(sequence, amount):
            self.late += 1
            found = min(max(amount, 0), self._missing)
            self.recovered += found
            self._missing -= found
            return Surprise("late")
        self.restarts += 1
        self._missing = self._late_run = 0
        self._expect_after(sequence, amount)
        return Surprise("restart")

    def _expect_after(self, sequence: int, amount: int) -> None:
        self.expected = UNKNOWN if amount == UNKNOWN else (sequence + amount) % MODULUS

    def _began_anew(self, sequence: int, amount: int) -> bool:
        """Tell a restart at a number just below the old one from datagrams that come late."""
        # Late datagrams come between others, which move ``expected`` on; after a restart none do.
        continues = (sequence, self.expected) == (self._late_next, self._late_while_expecting)
        self._late_run = self._late_run + 1 if continues else 1
        self._late_next = (sequence + max(amount, 0)) % MODULUS
        self._late_while_expecting = self.expected
        return self._late_run >= RESTART_RUN
