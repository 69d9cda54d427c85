"""BGP values as nfacctd writes them, in flows and in BMP records (reference 1.4, 1.5).

Lists are text with blanks between the words; where the conf asks for arrays, `words` makes them,
in JSON `quirks.words_in_json`.
"""

import struct
from collections.abc import Iterable
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_ntop

from collector.protocols.bgp.as_path import (
    AS_CONFED_SEQUENCE,
    AS_CONFED_SET,
    AS_SEQUENCE,
    AS_SET,
    AsPath,
)
from collector.protocols.bgp.communities import community_text, large_community_text
from collector.protocols.bgp.families import AFI_IPV4

NO_RD = "0:0:0"
"""What nfacctd prints for no route distinguisher, and for one of zeros: the origin tells which."""

_ORIGINS = ("i", "e", "u")  # by the value of ORIGIN
_WELL_KNOWN = {
    0x00000000: "internet",
    0xFFFFFF01: "no-export",
    0xFFFFFF02: "no-advertise",
    0xFFFFFF03: "local-AS",
}
_UNKNOWN_COMMUNITY = "?"
_COMMUNITY_NAMES = {2: "RT", 3: "SoO"}  # by the low octet of an extended community's type
_NON_TRANSITIVE = 0x40
_AS2_NUMBER4 = struct.Struct("!HI")
_IPV4_NUMBER2 = struct.Struct("!4sH")
_AS4_NUMBER2 = struct.Struct("!IH")
_MAX_WORD = 127  # characters; nfacctd cuts what is longer
_BRACKETS = {AS_SET: "{}", AS_CONFED_SET: "[]", AS_CONFED_SEQUENCE: "()"}
_SETS = frozenset({AS_SET, AS_CONFED_SET})


@lru_cache(maxsize=4096)  # a network has few, each on thousands of routes
def rd_text(octets: bytes) -> str:
    """Write 8 octets of a route distinguisher with its type: "0:64512:1", "1:192.0.2.1:1".

    Returns:
        "unknown" for a type that RFC 4364 does not know.
    """
    kind, value = int.from_bytes(octets[:2]), octets[2:]
    if kind == 0:
        administrator, number = _AS2_NUMBER4.unpack(value)
    elif kind == 1:
        address, number = _IPV4_NUMBER2.unpack(value)
        administrator = inet_ntop(AF_INET, address)
    elif kind == 2:
        administrator, number = _AS4_NUMBER2.unpack(value)
    else:
        return "unknown"
    return f"{kind}:{administrator}:{number}"


def prefix_text(afi: int, prefix: bytes) -> str:
    """Write a prefix as `split_nlri` gives it: length in bits (one octet), then its octets."""
    if afi == AFI_IPV4:
        return f"{inet_ntop(AF_INET, prefix[1:].ljust(4, bytes(1)))}/{prefix[0]}"
    return f"{inet_ntop(AF_INET6, prefix[1:].ljust(16, bytes(1)))}/{prefix[0]}"


def origin_text(value: int) -> str:
    """Write ORIGIN as one letter; a value that RFC 4271 does not know as none."""
    return _ORIGINS[value] if value < len(_ORIGINS) else ""


def communities_text(values: Iterable[int], numeric: bool = False) -> str:
    """Write communities, sorted and without repetitions; ``numeric``: without well-known names."""
    return " ".join(
        community_text(value) if numeric or value not in _WELL_KNOWN else _WELL_KNOWN[value]
        for value in sorted(set(values))
    )


def large_communities_text(values: Iterable[tuple[int, int, int]]) -> str:
    """Write large communities, sorted and without repetitions."""
    return " ".join(large_community_text(value) for value in sorted(set(values)))


def extended_communities_text(values: Iterable[bytes], numeric: bool = False) -> str:
    """Write extended communities (8 octets each), sorted and without repetitions.

    Args:
        numeric: `bgp_comms_num`: the octets of the type in place of "RT" and "SoO".
    """
    return " ".join(_extended_community(value, numeric) for value in sorted(set(values)))


def _extended_community(octets: bytes, numeric: bool) -> str:
    kind, subtype, value = octets[0] & ~_NON_TRANSITIVE, octets[1], octets[2:]
    if kind == 0:
        administrator, number = _AS2_NUMBER4.unpack(value)
    elif kind == 1:
        address, number = _IPV4_NUMBER2.unpack(value)
        administrator = inet_ntop(AF_INET, address)
    elif kind == 2:
        administrator, number = _AS4_NUMBER2.unpack(value)
    else:
        return _UNKNOWN_COMMUNITY
    if numeric:
        return f"{octets[0]}:{subtype}:{administrator}:{number}"
    name = _COMMUNITY_NAMES.get(subtype)
    return f"{name}:{administrator}:{number}" if name else _UNKNOWN_COMMUNITY


def as_path_text(path: AsPath) -> str:
    """Write a path: "64500 {64501,64502}", confederations as "(64512 64513)" and "[64514,64515]".

    Sets are sorted and without repetitions.
    """
    return " ".join(_segment_text(kind, ases) for kind, ases in path)


def _segment_text(kind: int, ases: tuple[int, ...]) -> str:
    if kind == AS_SEQUENCE:
        return " ".join(map(str, ases))
    left, right = _BRACKETS[kind]
    if kind in _SETS:
        return f"{left}{','.join(map(str, sorted(set(ases))))}{right}"
    return f"{left}{' '.join(map(str, ases))}{right}"


def last_as(path: AsPath) -> int:
    """Tell the AS that a path leads to; 0 for an empty path. Of a set it is the highest."""
    if not path:
        return 0
    kind, ases = path[-1]
    return max(ases) if kind in _SETS else ases[-1]


def first_as(path: AsPath) -> int:
    """Tell the AS that a path begins with; 0 for an empty path. Of a set it is the lowest."""
    if not path:
        return 0
    kind, ases = path[0]
    return min(ases) if kind in _SETS else ases[0]


def words(text: str) -> list[str]:
    """Cut a list into the words of the array that records have."""
    return [word[:_MAX_WORD] for word in text.split()]
