"""The canonical columns of a flow record, each with the chain of elements it is taken from.

Exporters say the same in their own ways; keys and filters must work over vendors and families. Of a
chain the first element that a template carries gives the value; of an element that occurs twice,
the last occurrence (the innermost header of a tunnel). What no chain takes keeps IANA's name, in a
column of its own where configured, else in the map ``extra``.
"""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """How a column's values are held in a batch, before they are made text for an exporter."""

    INTEGER = "integer"
    ADDRESS = "address"  # two uint64 columns, NAME.hi and NAME.lo; IPv4 as ::ffff:a.b.c.d
    MAC = "mac"  # uint64
    RD = "rd"  # uint64, the eight octets of a route distinguisher
    TIMESTAMP = "timestamp"  # int64, microseconds UTC
    TEXT = "text"  # list[str | None]
    CODE = "code"  # uint8 index into a small table of texts
    DEVICE = "device"  # uint32 index into the worker's table of exporters
    PREFIX = "prefix"  # as an address, and NAME.length int16, -1: none
    PATH = "path"  # int32 id of an attribute set in the worker's RIB, 0: none


@dataclass(frozen=True, slots=True)
class CanonicalColumn:
    """One column: its name, how it is held, and the elements it is taken from, best first.

    ``dtype`` is numpy's name of it: whoever only wants to know the columns needs no numpy.
    """

    name: str
    kind: Kind
    dtype: str
    chain: tuple[str, ...] = ()
    # The chain is one element a family: a template for both fills one and leaves the other 0.
    per_family: bool = False


def _integer(name: str, dtype: str, *chain: str) -> CanonicalColumn:
    return CanonicalColumn(name, Kind.INTEGER, dtype, chain or (name,))


def _per_family(name: str, dtype: str, *chain: str) -> CanonicalColumn:
    return CanonicalColumn(name, Kind.INTEGER, dtype, chain, per_family=True)


# Values that a template's fields give as they are. Times, sampling and names need more than the
# record: `times.py` and `processors/options_data.py` fill those.
FROM_FIELDS: tuple[CanonicalColumn, ...] = (
    _integer("sourcePort", "uint16", "sourceTransportPort", "udpSourcePort", "tcpSourcePort"),
    _integer(
        "destinationPort",
        "uint16",
        "destinationTransportPort",
        "udpDestinationPort",
        "tcpDestinationPort",
    ),
    _integer("protocol", "uint8", "protocolIdentifier"),
    _integer("tcpFlags", "uint16", "tcpControlBits"),
    _integer("ipTos", "uint8", "ipClassOfService"),
    _integer(
        "octets",
        "uint64",
        "octetDeltaCount",
        "postOctetDeltaCount",
        "octetTotalCount",
        "postOctetTotalCount",
        "layer2OctetDeltaCount",
        "initiatorOctets",
    ),
    _integer(
        "packets",
        "uint64",
        "packetDeltaCount",
        "postPacketDeltaCount",
        "packetTotalCount",
        "postPacketTotalCount",
        "initiatorPackets",
    ),
    _integer("ingressInterface", "uint32", "ingressInterface", "ingressPhysicalInterface"),
    _integer("egressInterface", "uint32", "egressInterface", "egressPhysicalInterface"),
    _integer("selectorId", "uint64", "selectorId", "samplerId"),
    _integer("flowDirection", "uint8"),
    _integer("ipVersion", "uint8"),
    _integer("vlanId", "uint16", "vlanId", "dot1qVlanId"),
    _integer("postVlanId", "uint16", "postVlanId", "postDot1qVlanId"),
    _integer("ingressVRFID", "uint32"),
    _integer("egressVRFID", "uint32"),
    _per_family("icmpTypeCode", "uint16", "icmpTypeCodeIPv4", "icmpTypeCodeIPv6"),
    _integer("forwardingStatus", "uint8"),
    _integer("flowEndReason", "uint8"),
    _integer("bgpSourceAsNumber", "uint32"),
    _integer("bgpDestinationAsNumber", "uint32"),
    _per_family("sourcePrefixLength", "uint8", "sourceIPv4PrefixLength", "sourceIPv6PrefixLength"),
    _per_family(
        "destinationPrefixLength",
        "uint8",
        "destinationIPv4PrefixLength",
        "destinationIPv6PrefixLength",
    ),
    CanonicalColumn("mplsVpnRouteDistinguisher", Kind.RD, "uint64", ("mplsVpnRouteDistinguisher",)),
    CanonicalColumn("sourceMacAddress", Kind.MAC, "uint64", ("sourceMacAddress",)),
    CanonicalColumn("destinationMacAddress", Kind.MAC, "uint64", ("destinationMacAddress",)),
)

SOURCE_ADDRESSES = ("sourceIPv4Address", "sourceIPv6Address")
DESTINATION_ADDRESSES = ("destinationIPv4Address", "destinationIPv6Address")
ADDRESS_COLUMNS = (
    "sourceAddress",
    "destinationAddress",
    "outerSourceAddress",
    "outerDestinationAddress",
)
NEXT_HOP_ADDRESSES = {
    "ipNextHopAddress": ("ipNextHopIPv4Address", "ipNextHopIPv6Address"),
    "bgpNextHopAddress": ("bgpNextHopIPv4Address", "bgpNextHopIPv6Address"),
}
# Only where a template has no host address at all.
SOURCE_PREFIXES = ("sourceIPv4Prefix", "sourceIPv6Prefix")
DESTINATION_PREFIXES = ("destinationIPv4Prefix", "destinationIPv6Prefix")

JOIN_SIDES = ("source", "destination")

# What the RIB says of a route, in the order of the record; each has a column for either side.
ROUTE_ATTRIBUTES = (
    "Prefix",
    "AsPath",
    "OriginAs",
    "PeerAs",
    "NextHop",
    "LocalPref",
    "Med",
    "Communities",
    "LargeCommunities",
    "ExtendedCommunities",
)

# All that the join adds; who wants none of it need not pay for it.
JOIN_COLUMNS = frozenset(
    {"ribState"}
    | {f"{side}{what}" for side in JOIN_SIDES for what in ("Join", *ROUTE_ATTRIBUTES, "Rd")}
)

# The raw column of path ids of each side. A published frame may have it as text in place of the
# columns that paths fill: members of a JSON object, each with a comma before it.
MEMBERS = {f"{side}Route": side for side in JOIN_SIDES}

KINDS: dict[str, Kind] = {column.name: column.kind for column in FROM_FIELDS} | {
    "device": Kind.DEVICE,
    "exporterAddress": Kind.DEVICE,
    "observationDomainId": Kind.INTEGER,
    "timeReceived": Kind.TIMESTAMP,
    "timeStart": Kind.TIMESTAMP,
    "timeEnd": Kind.TIMESTAMP,
    **dict.fromkeys(ADDRESS_COLUMNS, Kind.ADDRESS),
    **dict.fromkeys(NEXT_HOP_ADDRESSES, Kind.ADDRESS),
    "samplingRate": Kind.INTEGER,
    "ingressInterfaceName": Kind.TEXT,
    "egressInterfaceName": Kind.TEXT,
    "ingressVRFName": Kind.TEXT,
    "egressVRFName": Kind.TEXT,
    "applicationName": Kind.TEXT,
    "ribState": Kind.CODE,
    **{f"{side}Join": Kind.CODE for side in JOIN_SIDES},
    **{f"{side}Prefix": Kind.PREFIX for side in JOIN_SIDES},
    **{f"{side}Rd": Kind.RD for side in JOIN_SIDES},
}

# The order of a published record. What is not named here comes after, in the order it was made.
RECORD_ORDER: tuple[str, ...] = (
    "device",
    "exporterAddress",
    "observationDomainId",
    "timeReceived",
    "timeStart",
    "timeEnd",
    "sourceAddress",
    "destinationAddress",
    "sourcePort",
    "destinationPort",
    "protocol",
    "tcpFlags",
    "ipTos",
    "octets",
    "packets",
    "samplingRate",
    "ingressInterface",
    "egressInterface",
    *(f"destination{what}" for what in ("Join", *ROUTE_ATTRIBUTES, "Rd")),
    *(f"source{what}" for what in ("Join", *ROUTE_ATTRIBUTES, "Rd")),
    "ribState",
)


def is_known_column(name: str) -> bool:
    """Tell whether a flow record can have a column of this name without configuring elements."""
    return name in KINDS or name in RECORD_ORDER
