"""The attributes of routes, as BMP records and flows have them."""

from dataclasses import dataclass

from collector.protocols.bgp.as_path import AsPath


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class RouteAttributes:
    """The attributes of routes, written once for all routes that share them.

    Texts are as in BMP records, words with blanks between; None: not there.
    """

    next_hop: str
    as_path: str
    path: AsPath  # of which ``as_path`` is the text
    comms: str | None
    ecomms: str | None
    lcomms: str | None
    origin: str  # "i", "e", "u"
    local_pref: int | None
    med: int | None
    aigp: int | None
    psid_li: int | None  # label index of the Prefix-SID
    otc: int | None
    next_hop_form: object | None  # `quirks.NextHopForm`, kept for its lifetime only
