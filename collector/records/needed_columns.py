"""Which columns must be read of flows for those that somebody wants."""

from collections.abc import Iterable

from collector.records.columns import JOIN_COLUMNS

# A column that is made of others.
_MADE_OF = {
    "samplingRate": ("selectorId", "ingressInterface"),
    "ingressInterfaceName": ("ingressInterface",),
    "egressInterfaceName": ("egressInterface",),
    "ingressVRFName": ("ingressVRFID",),
    "egressVRFName": ("egressVRFID",),
    "applicationName": ("applicationId",),
}
# All that a join asks with: addresses, next hop, and whatever tells the table of a VRF.
_JOINED_BY = (
    *("sourceAddress", "destinationAddress", "bgpNextHopAddress"),
    *("mplsVpnRouteDistinguisher", "ingressVRFID", "egressVRFID", "ingressInterface"),
)
_RENORMALISED = "Renormalised"


def needed_columns(wanted: Iterable[str]) -> frozenset[str]:
    """Name the columns to read.

    Args:
        wanted: columns of records, keys and sums of aggregates.
    """
    needed = set()
    for name in wanted:
        needed.add(name.removesuffix(_RENORMALISED))
        if name.endswith(_RENORMALISED):
            needed.update(("samplingRate", *_MADE_OF["samplingRate"]))
        needed.update(_MADE_OF.get(name, ()))
        if name in JOIN_COLUMNS:
            needed.update(_JOINED_BY)
    return frozenset(needed)
