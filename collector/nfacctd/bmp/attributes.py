"""Path attributes of an UPDATE as nfacctd reads them: the texts of its records.

nfacctd knows nothing of RFC 7606: flags are not judged, of an attribute that comes twice the last
counts, lists of a wrong length are left out, and single values of a wrong length cost the UPDATE.
"""

from socket import AF_INET, AF_INET6, inet_ntop
from weakref import WeakValueDictionary

from collector.errors import DecodeError, MalformedError, TruncatedError
from collector.nfacctd.bgp_text import (
    as_path_text,
    communities_text,
    extended_communities_text,
    large_communities_text,
    origin_text,
)
from collector.nfacctd.bmp.quirks import (
    NextHopForms,
    lenient_as_path,
    merged_as_path,
    next_hop_of_all,
    signed,
)
from collector.nfacctd.bmp.route_attributes import RouteAttributes
from collector.protocols.bgp.attributes import EXTENDED_LENGTH

_ORIGIN, _AS_PATH, _NEXT_HOP, _MED, _LOCAL_PREF = 1, 2, 3, 4, 5
_COMMUNITIES, _EXTENDED_COMMUNITIES, _AS4_PATH = 8, 16, 17
_AIGP, _LARGE_COMMUNITIES, _OTC, _PREFIX_SID = 26, 32, 35, 40

_LENGTHS = {_ORIGIN: 1, _NEXT_HOP: 4, _MED: 4, _LOCAL_PREF: 4}
_AIGP_HEADER, _AIGP_OCTETS = 3, 11  # RFC 7311 section 3
_SID_HEADER = 3  # | Type (8) | Length (16) |, RFC 8669 section 3
_LABEL_INDEX, _LABEL_INDEX_OCTETS = 1, 7  # | Reserved (8) | Flags (16) | Label Index (32) |
# By length: where the address begins in a next hop, and how long it is (`bgp.next_hop`).
_NEXT_HOPS = {4: (0, 4), 12: (8, 4), 16: (0, 16), 24: (8, 16), 32: (0, 16), 48: (8, 16)}

_SOURCE = "RFC 4271 section 4.3"


class AttributeReader:
    """Reads attributes; routes that have the same ones share what it gives.

    It remembers what some route still holds: a table load has each set many times.

    Args:
        numeric_communities: `bgp_comms_num`.
    """

    def __init__(self, numeric_communities: bool = False) -> None:
        self._numeric = numeric_communities
        self._held: WeakValueDictionary[tuple, RouteAttributes] = WeakValueDictionary()
        self._next_hops = NextHopForms()

    def read(self, octets: bytes, as_size: int, mp_next_hop: bytes | None) -> RouteAttributes:
        """Read the attributes of an UPDATE.

        Args:
            octets: `UpdateParts.attributes_key`.
            as_size: octets of an AS in AS_PATH.
            mp_next_hop: that of MP_REACH_NLRI, where there is one.
        Raises:
            DecodeError: nfacctd drops the UPDATE.
        """
        key = octets, as_size, mp_next_hop
        attributes = self._held.get(key)
        if attributes is None:
            attributes = self._written(_read_values(octets), as_size, mp_next_hop)
            self._held[key] = attributes
        return attributes

    def _written(
        self, values: dict[int, bytes], as_size: int, mp_next_hop: bytes | None
    ) -> RouteAttributes:
        path = lenient_as_path(values.get(_AS_PATH, b""), as_size)
        if as_size == 2 and _AS4_PATH in values:
            if _AS_PATH not in values:
                raise MalformedError(0, "AS4_PATH without AS_PATH", "RFC 6793 section 4.1")
            path = merged_as_path(path, lenient_as_path(values[_AS4_PATH], 4))
        communities = _list(values, _COMMUNITIES, 4)
        extended = _list(values, _EXTENDED_COMMUNITIES, 8)
        large = _list(values, _LARGE_COMMUNITIES, 12)
        as_path = as_path_text(path)
        comms = communities and communities_text(map(int.from_bytes, communities), self._numeric)
        ecomms = extended and extended_communities_text(extended, self._numeric)
        lcomms = large and large_communities_text(map(_large_community, large))
        origin = origin_text(_number(values, _ORIGIN) or 0)
        local_pref, med = _number(values, _LOCAL_PREF), _number(values, _MED)
        next_hop = next_hop_of_all(values.get(_NEXT_HOP), mp_next_hop)
        text, form = _next_hop_text(next_hop), None
        if mp_next_hop is not None:
            others = (values.get(_NEXT_HOP), as_path, comms, ecomms, lcomms, origin)
            form = self._next_hops.of(text, (*others, local_pref, med))
        return RouteAttributes(
            next_hop=form.text if form else text,
            as_path=as_path,
            path=path,
            comms=comms,
            ecomms=ecomms,
            lcomms=lcomms,
            origin=origin,
            local_pref=local_pref,
            med=med,
            aigp=_aigp(values),
            psid_li=_label_index(values),
            otc=_number(values, _OTC),
            next_hop_form=form,
        )


def _read_values(octets: bytes) -> dict[int, bytes]:
    """Cut attributes into their values by type."""
    values: dict[int, bytes] = {}
    start, end = 0, len(octets)
    while start < end:
        value_at = start + (4 if octets[start] & EXTENDED_LENGTH else 3)
        stop = value_at + int.from_bytes(octets[start + 2 : value_at])
        if value_at > end or stop > end:
            raise TruncatedError(start, "attribute passes the attributes", _SOURCE)
        code, value = octets[start + 1], octets[value_at:stop]
        if len(value) != _LENGTHS.get(code, len(value)):
            raise MalformedError(start, f"attribute {code} of {len(value)} octets", _SOURCE)
        values[code] = value
        start = stop
    return values


def _list(values: dict[int, bytes], code: int, size: int) -> list[bytes] | None:
    """Cut a list into its items; None where it is not there, empty, or of a wrong length."""
    octets = values.get(code)
    if not octets or len(octets) % size:
        return None
    return [octets[at : at + size] for at in range(0, len(octets), size)]


def _number(values: dict[int, bytes], code: int) -> int | None:
    octets = values.get(code)
    return None if octets is None else int.from_bytes(octets)


def _large_community(octets: bytes) -> tuple[int, int, int]:
    return tuple(int.from_bytes(octets[at : at + 4]) for at in (0, 4, 8))


def _aigp(values: dict[int, bytes]) -> int | None:
    octets = values.get(_AIGP)
    if octets is None or len(octets) == _AIGP_HEADER:
        return None
    if len(octets) != _AIGP_OCTETS:
        raise _malformed(_AIGP, octets)
    return signed(int.from_bytes(octets[_AIGP_HEADER:]))


def _label_index(values: dict[int, bytes]) -> int | None:
    """Read the Label-Index TLV where it is the first one; an index of 0 counts as none."""
    octets = values.get(_PREFIX_SID)
    if octets is None:
        return None
    if len(octets) < _SID_HEADER:
        raise _malformed(_PREFIX_SID, octets)
    if octets[0] != _LABEL_INDEX:
        return None
    if int.from_bytes(octets[1:3]) != _LABEL_INDEX_OCTETS:
        raise _malformed(_PREFIX_SID, octets)
    return int.from_bytes(octets[6:10]) or None


def _malformed(code: int, octets: bytes) -> DecodeError:
    return MalformedError(0, f"attribute {code} of {len(octets)} octets", _SOURCE)


def _next_hop_text(octets: bytes) -> str:
    place = _NEXT_HOPS.get(len(octets))
    if place is None:
        raise MalformedError(0, f"next hop of {len(octets)} octets", "RFC 4760 section 3")
    start, size = place
    family = AF_INET if size == 4 else AF_INET6
    return inet_ntop(family, octets[start : start + size])
