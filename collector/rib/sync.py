"""How far a table can be trusted: is it whole, still loading, or left over from a lost session?"""

from enum import IntEnum


class RibState(IntEnum):
    """What stands behind an answer; ``ribState`` of a record."""

    NONE = 0
    SYNCING = 1
    SYNCED = 2
    SYNCED_BY_SILENCE = 3
    STALE = 4

    @property
    def text(self) -> str:
        """The name in records: "synced", "synced-by-silence", ..."""
        return self.name.lower().replace("_", "-")


# Of several tables the least trustworthy one speaks for all.
_DOUBT = (
    RibState.SYNCING,
    RibState.STALE,
    RibState.SYNCED_BY_SILENCE,
    RibState.SYNCED,
)


def weakest(states: set[RibState]) -> RibState:
    """Return the state that describes a set of tables: the least trustworthy among theirs."""
    return next((state for state in _DOUBT if state in states), RibState.NONE)


class Sync:
    """The progress of one (peer, view, family); its tables, one for each RD, share this object."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = RibState.SYNCING


class Silence:
    """Tells when the burst after a Peer Up is over, for speakers that send no End-of-RIB.

    A full table never falls silent, so a trickle is silence too: in ``silence_s`` seconds fewer
    than one new or refreshed route in a thousand.
    """

    __slots__ = ("_marked", "arrived", "burst", "since_s")

    def __init__(self, now_s: float) -> None:
        self.arrived = 0  # routes new to a table, or fresh again after they were stale
        self.burst = False
        self.since_s = now_s
        self._marked = 0

    def look(self, now_s: float, routes: int) -> float:
        """Take note of what arrived since the last look.

        Args:
            routes: how many routes the peer has now.
        Returns:
            Since when the peer has been silent.
        """
        if self.arrived - self._marked > routes // 1000:
            self._marked = self.arrived
            self.since_s = now_s
            self.burst = True
        return self.since_s
