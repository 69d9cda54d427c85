"""Which of a router's BGP tables a route stands in."""

from enum import IntEnum


class View(IntEnum):
    """One of the tables that BMP monitors (RFC 7854 section 2, RFC 8671, RFC 9069)."""

    ADJ_RIB_IN_PRE = 0
    ADJ_RIB_IN_POST = 1
    LOC_RIB = 2
    ADJ_RIB_OUT_PRE = 3
    ADJ_RIB_OUT_POST = 4

    @property
    def text(self) -> str:
        """The name in records: "adj-rib-in-pre", "loc-rib", ..."""
        return self.name.lower().replace("_", "-")
