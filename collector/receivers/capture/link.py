"""Link layers: find the IP packet in a captured frame (tcpdump.org's LINKTYPE_ registry)."""

import struct
from collections.abc import Callable

_U16 = struct.Struct("!H")
_IPV4, _IPV6 = 0x0800, 0x86DD  # EtherTypes, IEEE 802 numbers
_VLAN_TAGS = frozenset((0x8100, 0x88A8, 0x9100, 0x9200))  # 802.1Q, 802.1ad and its elder siblings
_SNAP = b"\xaa\xaa\x03\x00\x00\x00"  # LLC and SNAP with an EtherType behind, RFC 1042
_PPP_IPV4, _PPP_IPV6 = 0x0021, 0x0057


def _behind_ether_type(frame: memoryview, offset: int) -> memoryview | None:
    """Skip VLAN tags; ``offset`` is that of the first EtherType."""
    while offset + 2 <= len(frame):
        (ether_type,) = _U16.unpack_from(frame, offset)
        if ether_type in (_IPV4, _IPV6):
            return frame[offset + 2 :]
        if ether_type not in _VLAN_TAGS:
            # A length, not a type (IEEE 802.3): SNAP may name the type.
            if ether_type < 0x0600 and frame[offset + 2 : offset + 8] == _SNAP:
                offset += 8
                continue
            return None
        offset += 4
    return None


def _ethernet(frame: memoryview) -> memoryview | None:
    return _behind_ether_type(frame, 12)


def _linux_cooked(frame: memoryview) -> memoryview | None:
    """| Packet type | ARPHRD_ | address length | address (64) | Protocol | (16 octets in all)."""
    return _behind_ether_type(frame, 14) if len(frame) >= 16 else None


def _linux_cooked_v2(frame: memoryview) -> memoryview | None:
    """| Protocol | reserved | interface (32) | ARPHRD_ | type, length | address (64) |."""
    if len(frame) < 20:
        return None
    (protocol,) = _U16.unpack_from(frame)
    if protocol in _VLAN_TAGS:
        # The first tag's own control information and the next EtherType follow the header.
        return _behind_ether_type(frame, 22)
    return frame[20:] if protocol in (_IPV4, _IPV6) else None


def _raw(frame: memoryview) -> memoryview | None:
    return frame


def _loopback(frame: memoryview) -> memoryview | None:
    """BSD loopback: an address family in the octet order of the machine that captured.

    Systems number AF_INET6 in six ways, so the IP header's own version decides.
    """
    return frame[4:]


def _ppp(frame: memoryview) -> memoryview | None:
    """RFC 1661 section 2, with or without RFC 1662's address and control, or a short protocol."""
    offset = 2 if frame[:2] == b"\xff\x03" else 0
    if len(frame) < offset + 2:
        return None
    if frame[offset] in (_PPP_IPV4, _PPP_IPV6):
        return frame[offset + 1 :]
    (protocol,) = _U16.unpack_from(frame, offset)
    return frame[offset + 2 :] if protocol in (_PPP_IPV4, _PPP_IPV6) else None


def _cisco_hdlc(frame: memoryview) -> memoryview | None:
    """| Address | Control | EtherType |, or PPP on the same line (LINKTYPE_C_HDLC)."""
    return _ppp(frame) if frame[:2] == b"\xff\x03" else _behind_ether_type(frame, 2)


_PACKET_OF: dict[int, Callable[[memoryview], memoryview | None]] = {
    0: _loopback,  # LINKTYPE_NULL
    1: _ethernet,
    9: _ppp,
    12: _raw,  # DLT_RAW as some systems wrote it
    14: _raw,  # and OpenBSD
    50: _ppp,  # LINKTYPE_PPP_HDLC
    101: _raw,
    104: _cisco_hdlc,
    108: _loopback,  # LINKTYPE_LOOP, in network order
    113: _linux_cooked,
    228: _raw,  # LINKTYPE_IPV4
    229: _raw,  # LINKTYPE_IPV6
    276: _linux_cooked_v2,
}


def is_known(link_type: int) -> bool:
    """Tell whether frames of this link type can be read."""
    return link_type in _PACKET_OF


def ip_packet(link_type: int, frame: memoryview) -> memoryview | None:
    """Cut the link layer off a frame.

    Args:
        link_type: one that `is_known`.
    Returns:
        The octets from the IP header on, with what may follow the packet (Ethernet padding, frame
        check sequence) still there; None where the frame carries no IP.
    """
    return _PACKET_OF[link_type](frame)
