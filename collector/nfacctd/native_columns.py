"""nfacctd's primitives as columns of native flow records: for the TOML that `--explain` prints."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from collector.nfacctd.flows.primitives import FLOWS
from collector.nfacctd.maps.custom_primitives import CustomPrimitive
from collector.protocols.ipfix.registry import Registry
from collector.records.columns import FROM_FIELDS, is_known_column

_COLUMNS = {
    "src_mac": "sourceMacAddress",
    "dst_mac": "destinationMacAddress",
    "vlan": "vlanId",
    "in_vlan": "vlanId",
    "out_vlan": "postVlanId",
    "peer_src_ip": "device",
    "in_iface": "ingressInterface",
    "out_iface": "egressInterface",
    "in_iface_name": "ingressInterfaceName",
    "out_iface_name": "egressInterfaceName",
    "mpls_vpn_rd": "destinationRd",
    "src_host": "sourceAddress",
    "dst_host": "destinationAddress",
    "src_port": "sourcePort",
    "dst_port": "destinationPort",
    "tcpflags": "tcpFlags",
    "fwd_status": "forwardingStatus",
    "proto": "protocol",
    "tos": "ipTos",
    "sampling_rate": "samplingRate",
    "sampling_direction": "flowDirection",
    "class": "applicationName",
    "tunnel_src_host": "outerSourceAddress",
    "tunnel_dst_host": "outerDestinationAddress",
    "timestamp_start": "timeStart",
    "timestamp_end": "timeEnd",
    "timestamp_arrival": "timeReceived",
    "export_proto_sysid": "observationDomainId",
    "vrf_name": "ingressVRFName",
    "ingress_vrf_name": "ingressVRFName",
    "egress_vrf_name": "egressVRFName",
    "src_net": "sourcePrefix",
    "src_mask": "sourcePrefix",
    "dst_net": "destinationPrefix",
    "dst_mask": "destinationPrefix",
    **{
        f"{direction}{what}": f"{side}{attribute}"
        for direction, side in (("", "destination"), ("src_", "source"))
        for what, attribute in (
            ("std_comm", "Communities"),
            ("ext_comm", "ExtendedCommunities"),
            ("lrg_comm", "LargeCommunities"),
            ("as_path", "AsPath"),
            ("local_pref", "LocalPref"),
            ("med", "Med"),
        )
    },
    "peer_dst_ip": "destinationNextHop",
    "src_as": "sourceOriginAs",
    "dst_as": "destinationOriginAs",
    "peer_src_as": "sourcePeerAs",
    "peer_dst_as": "destinationPeerAs",
}
# What only routes tell in native mode has a column of the flow's own, too.
_WITHOUT_ROUTES = {
    "src_as": "bgpSourceAsNumber",
    "dst_as": "bgpDestinationAsNumber",
    "peer_dst_ip": "bgpNextHopAddress",
    "src_mask": "sourcePrefixLength",
    "dst_mask": "destinationPrefixLength",
}
_NEED_ROUTES = ("src_net", "dst_net", "peer_src_as", "peer_dst_as")
_ELEMENTS = {
    "etype": "ethernetType",
    "cos": "dot1qPriority",
    "in_cvlan": "dot1qCustomerVlanId",
    "out_cvlan": "postDot1qCustomerVlanId",
    "flow_label": "flowLabelIPv6",
    "mpls_pw_id": "pseudoWireId",
    "mpls_label_top": "mplsTopLabelStackSection",
    "post_nat_src_host": "postNATSourceIPv4Address",
    "post_nat_dst_host": "postNATDestinationIPv4Address",
    "post_nat_src_port": "postNAPTSourceTransportPort",
    "post_nat_dst_port": "postNAPTDestinationTransportPort",
    "nat_event": "natEvent",
    "fw_event": "firewallEvent",
    "vxlan": "layer2SegmentId",
    "nvgre": "layer2SegmentId",
}
_TAKEN_INTO = {element: column.name for column in reversed(FROM_FIELDS) for element in column.chain}


@dataclass(slots=True)
class NativeColumns:
    """The columns of one `aggregate`.

    Attributes:
        keys: to group by, in the order of `aggregate`, none twice.
        elements: those among them that `[flow] elements` must name.
        named: each primitive with its column.
        lacking: primitives that native records have nothing for.
    """

    keys: list[str] = field(default_factory=list)
    elements: list[str] = field(default_factory=list)
    named: list[tuple[str, str]] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)


def native_columns(
    names: Iterable[str], custom: Iterable[CustomPrimitive], *, has_routes: bool
) -> NativeColumns:
    """Find the columns for the names of `aggregate`.

    Args:
        custom: the operator's primitives.
        has_routes: whether AS numbers and prefixes come from BGP.
    """
    own = {primitive.name: primitive for primitive in custom}
    found = NativeColumns()
    for name in names:
        if name == FLOWS:
            continue
        column = _column(name, has_routes) or _ELEMENTS.get(name)
        if name in own:
            column = _element(own[name])
        if column is None:
            found.lacking.append(name)
            continue
        found.named.append((name, column))
        if column not in found.keys:
            found.keys.append(column)
            if not is_known_column(column):
                found.elements.append(column)
    return found


def _column(name: str, has_routes: bool) -> str | None:
    if has_routes:
        return _COLUMNS.get(name)
    if name in _NEED_ROUTES:
        return None
    return _WITHOUT_ROUTES.get(name, _COLUMNS.get(name))


def _element(primitive: CustomPrimitive) -> str | None:
    """Find the column of an element; vendors' ones that the registry has not have none."""
    if primitive.id is None:
        return None
    registry = Registry.default()
    name = registry.element(primitive.pen, primitive.id).name
    name = _TAKEN_INTO.get(name, name)
    if is_known_column(name) or (registry.by_name(name) is not None and "." not in name):
        return name
    return None
