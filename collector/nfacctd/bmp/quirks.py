"""nfacctd's mistakes that consumers of its records see: reproduced here, and nowhere else.

A function or constant for each; who needs one calls it by name. The native mode has none of them.
"""

import struct
from dataclasses import replace
from weakref import WeakValueDictionary

from collector.nfacctd.bgp_text import words
from collector.nfacctd.bmp.route_attributes import RouteAttributes
from collector.protocols.bgp.as_path import (
    AS_CONFED_SEQUENCE,
    AS_CONFED_SET,
    AS_SEQUENCE,
    AS_SET,
    AS_TRANS,
    AsPath,
)
from collector.protocols.bgp.families import SAFI_LABELLED, SAFI_UNICAST, Family
from collector.protocols.bgp.open import CAPABILITY_ADD_PATH, CAPABILITY_FOUR_OCTET_AS, Open

_KEPT_ASIDE = ("aigp", "psid_li", "otc")
_SETS = frozenset({AS_SET, AS_CONFED_SET})
_SEGMENT_TYPES = _SETS | {AS_SEQUENCE, AS_CONFED_SEQUENCE}
_AS_CODE = {2: "H", 4: "I"}
_BGP_VERSION = 4
_FAMILY_MODE_OCTETS = 4
_RECEIVE_ONLY = 1  # RFC 7911 section 4
_MAX_FAMILIES = 64  # what is remembered of one speaker; real ones have a dozen

IS_FILTERED_OF_ROUTES_IN_AVRO = 0
"""Avro route records have a field for Loc-RIB's F flag that is never filled (reference 3.2)."""

IS_FILTERED_OF_PEER_DOWN = 0
"""The F flag is not read from a Peer Down."""

FAMILY_STATISTICS = frozenset({9, 10})
"""Of the counters per AFI and SAFI only these tell which; 16 and 17 do not (reference 3.3)."""


def stamp_us(time_us: int) -> int:
    """Give the time of a per-peer header: below a second it is as unknown as 0."""
    return time_us if time_us >= 1_000_000 else 0


def signed(value: int) -> int:
    """Give 64 bits as records have them, where all numbers have a sign: large ones are negative."""
    return value - (1 << 64) if value >> 63 else value


def words_in_json(text: str) -> list[str]:
    """Cut a list into the array that records in JSON have.

    JSON arrays lack words of one character, so that ASes 1 to 9 vanish from paths (reference 1.4).
    Avro arrays and the text have them.
    """
    return [word for word in words(text) if len(word) > 1]


def lenient_as_path(octets: bytes, as_size: int) -> AsPath:
    """Read AS_PATH; a malformed one is empty, and its routes are announced all the same.

    RFC 7606 section 7.2 has them withdrawn. Whatever ``as_size`` is, a segment that would fill the
    attribute with ASes of four octets has those, and so have the ones behind it: OPENs of BMP are
    often made up.
    """
    segments = []
    start, end = 0, len(octets)
    while end - start > 1:
        kind, count = octets[start], octets[start + 1]
        at = start + 2
        if at < end and count and (end - at) // count == 4:
            as_size = 4
        start = at + count * as_size
        if start > end or not count or kind not in _SEGMENT_TYPES:
            return ()
        segments.append((kind, struct.unpack_from(f"!{count}{_AS_CODE[as_size]}", octets, at)))
    return () if start < end else tuple(segments)


def merged_as_path(path: AsPath, as4_path: AsPath) -> AsPath:
    """Merge AS4_PATH into the AS_PATH of a peer of two octets.

    Unlike RFC 6793 section 4.2.3, confederations count too; and if AS4_PATH is the longer one, all
    of AS_PATH goes before it.
    """
    hops = _hops(path, confederations=True) - _hops(as4_path)
    if hops < 0:
        hops = _hops(path)
    leading = []
    for kind, ases in path:
        if hops <= 0:
            break
        kept = ases
        if kind in _SETS:
            hops -= 1
        else:
            if kind == AS_CONFED_SEQUENCE:
                hops = max(hops, len(ases))
            kept = ases[:hops]
            hops -= len(ases)
        leading.append((kind, kept))
    return (*leading, *as4_path)


def _hops(path: AsPath, *, confederations: bool = False) -> int:
    return sum(
        1 if kind in _SETS else len(ases)
        for kind, ases in path
        if confederations or kind in (AS_SET, AS_SEQUENCE)
    )


def is_acceptable(speaker: Open) -> bool:
    """Tell whether nfacctd takes an OPEN; a Peer Up with another is as if it had not been sent.

    The two forms of the AS number have to agree, though RFC 6793 lets a speaker do as it likes.
    """
    wide = speaker.values(CAPABILITY_FOUR_OCTET_AS)
    if speaker.version != _BGP_VERSION or any(len(value) != 4 for value in wide):
        return False
    if speaker.as_field == AS_TRANS:
        return bool(wide) and speaker.as_number not in (0, AS_TRANS)
    return not wide or speaker.as_number in (0, speaker.as_field)


def as_size(sent: Open, received: Open) -> int:
    """Tell the octets of an AS in a peer's Route Monitoring that has no A flag.

    nfacctd goes by the capabilities of both OPENs. RFC 7854 section 4.2 says 4 whatever they are.
    """
    wide = all(speaker.values(CAPABILITY_FOUR_OCTET_AS) for speaker in (sent, received))
    return 4 if wide else 2


def add_path_families(sent: Open, received: Open) -> frozenset[Family]:
    """Tell in which families the NLRI of a peer's Route Monitoring have path identifiers.

    nfacctd asks that both OPENs have the capability and that the remote one is not receive-only,
    for all views (reference 3.1). RFC 7911 section 4 goes by the direction, and RFC 8671 by that
    of the Adj-RIB-Out.
    """
    ours, theirs = _add_path_modes(sent), _add_path_modes(received)
    return frozenset(
        family for family, mode in theirs.items() if family in ours and mode != _RECEIVE_ONLY
    )


def _add_path_modes(speaker: Open) -> dict[Family, int]:
    modes: dict[Family, int] = {}
    for value in speaker.values(CAPABILITY_ADD_PATH):
        for at in range(0, len(value) - _FAMILY_MODE_OCTETS + 1, _FAMILY_MODE_OCTETS):
            if value[at + 3] and len(modes) < _MAX_FAMILIES:
                modes[int.from_bytes(value[at : at + 2]), value[at + 2]] = value[at + 3]
    return modes


def next_hop_of_all(classic: bytes | None, multiprotocol: bytes | None) -> bytes:
    """Choose the next hop of an UPDATE's routes: that of MP_REACH_NLRI, also for the classic NLRI.

    nfacctd keeps one set of attributes for both. RFC 4760 section 3 has the classic NLRI go by
    NEXT_HOP. None at all is 0.0.0.0.
    """
    if multiprotocol is not None:
        return multiprotocol
    return classic or bytes(4)


class NextHopForm:
    """How a next hop is written, as long as somebody keeps this."""

    __slots__ = ("__weakref__", "text")

    def __init__(self, text: str) -> None:
        self.text = text


class NextHopForms:
    """In which form an IPv4 next hop of MP_REACH_NLRI is written: as it was first.

    nfacctd shares attributes among routes that have equal ones, and 192.0.2.1 and
    ::ffff:192.0.2.1 are equal for it. So IPv4 routes show the mapped form and IPv6 routes the
    plain one, if those of the other family came first; until no route has these attributes.
    """

    def __init__(self) -> None:
        self._first: WeakValueDictionary[tuple, NextHopForm] = WeakValueDictionary()

    def of(self, text: str, others: tuple) -> NextHopForm | None:
        """Give the form to write, which routes with these attributes keep.

        Args:
            others: the attributes that have to be equal as well.
        Returns:
            None for a next hop that has one form only.
        """
        plain = text.removeprefix("::ffff:")
        if "." not in plain:
            return None
        return self._first.setdefault((plain, *others), NextHopForm(text))


def are_equal(held: RouteAttributes, announced: RouteAttributes) -> bool:
    """Tell whether a route that is announced again changes nothing.

    nfacctd does not compare what it keeps aside: AIGP, label index, OTC and the label stay as
    they were, if all other attributes are the same.
    """
    return held is announced or (
        held.next_hop == announced.next_hop
        and held.as_path == announced.as_path
        and held.comms == announced.comms
        and held.local_pref == announced.local_pref
        and held.med == announced.med
        and held.origin == announced.origin
        and held.ecomms == announced.ecomms
        and held.lcomms == announced.lcomms
    )


def with_leftovers(
    held: RouteAttributes, announced: RouteAttributes, *, has_more: bool
) -> RouteAttributes:
    """Give the attributes of a route that is announced with others than before.

    What nfacctd keeps aside is replaced where the new announcement has it, and else stays. Only
    whether there is an AIGP is noted anew with whatever else is kept aside.

    Args:
        has_more: a label or a path identifier is.
    """
    left = {
        name: getattr(held, name)
        for name in _KEPT_ASIDE
        if getattr(held, name) is not None and getattr(announced, name) is None
    }
    if has_more or announced.psid_li is not None or announced.otc is not None:
        left.pop("aigp", None)
    return replace(announced, **left) if left else announced


def has_rd_in_avro(safi: int) -> bool:
    """Tell whether Avro route records say their peer's distinguisher: those of SAFI 4 do not.

    The field is cleared for them where that of SAFI 128 is filled from the NLRI.
    """
    return safi != SAFI_LABELLED


def is_logged(kind: str, *, avro: bool, kafka: bool) -> bool:
    """Tell whether an event of the log is written: log_close is not, in Avro over Kafka.

    nfacctd has taken its Kafka connection down before it encodes the record (reference 3.5).
    """
    return not (kind == "log_close" and avro and kafka)


def matches_flows(safi: int) -> bool:
    """Tell whether flows can match the routes of a family: those of SAFI 128 never do.

    The distinguisher sought carries the origin "bmp" by then, that of the NLRI "bgp", and nfacctd
    compares origins too (reference 4.1 step 3, 4.4). The matches come from SAFI 1 and its peers'
    distinguishers.
    """
    return safi in (SAFI_UNICAST, SAFI_LABELLED)
