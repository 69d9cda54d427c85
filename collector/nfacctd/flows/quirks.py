"""nfacctd's mistakes that consumers of its flow records see: reproduced here, and nowhere else.

A function or constant for each; who needs one calls it by name. The native mode has none of them.
Lists in JSON have one more, `bmp.quirks.words_in_json`.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_TCP_FLAGS = (("URG", 32), ("ACK", 16), ("PSH", 8), ("RST", 4), ("SYN", 2), ("FIN", 1))
_FIRST_UNKNOWN_FLAG = 64
_SECOND_US = 1_000_000


def tcp_flag_names(flags: int) -> list[str]:
    """Name the TCP flags of `tcpflags_encode_as_array`.

    With ECE or CWR set the array is empty (reference 1.4).
    """
    if flags >= _FIRST_UNKNOWN_FLAG:
        return []
    return [name for name, bit in _TCP_FLAGS if flags & bit]


def stitched_max(ends_us: Iterable[int]) -> int:
    """Follow `timestamp_max` over the records of a cache entry, in their order.

    A later end counts only if it is larger in both its seconds and its microseconds (reference
    2.5); a record without an end sets it to when it came, whatever it was.

    Args:
        ends_us: the end of each record; negative: when it came, of one without an end.
    Returns:
        In the same form; negative where any of the records had no end: then what the entry had
        before them does not matter.
    """
    seconds = micros = -1
    sign = 1
    for end_us in ends_us:
        end_s, end_micros = divmod(abs(end_us), _SECOND_US)
        if end_us < 0 or seconds < 0:
            seconds, micros = end_s, end_micros
            sign = -1 if end_us < 0 else sign
        elif end_s > seconds and end_micros > micros:
            seconds, micros = end_s, end_micros
    return sign * (seconds * _SECOND_US + micros)


def bin_of_earlier(stamps_s: NDArray[np.int64], base_s: int, length_s: int) -> NDArray[np.int64]:
    """Find the bins of times before the current one began.

    A time that is a whole number of bins earlier falls one bin too early (reference 5.2).
    """
    return stamps_s - (length_s - (base_s - stamps_s) % length_s)


def has_vlan_layer(vlan_ids: NDArray[np.unsignedinteger]) -> NDArray[np.bool_]:
    """Tell which flows are of a VLAN, to `sample_type` and to filters of maps.

    Only the first octet of the id is looked at (reference 2.8): ids below 256 are none.
    """
    return (vlan_ids >> 8) != 0


def mean_delay_us(
    mean_us: NDArray[np.uint64], sum_us: NDArray[np.uint64], packets: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """Work out `path_delay_avg_usec` of records that have the sum of their delays.

    The sum, divided by packets, counts only where the mean is there as well (reference 1.2, 31).
    """
    counts = (mean_us != 0) & (packets != 0)
    return np.where(counts, sum_us // np.maximum(packets, np.uint64(1)), mean_us)


def next_hop_of_family(text: str, is_ipv4: bool, is_ipv6: bool) -> str:
    """Write `peer_ip_dst` as an address of the flow's own family.

    A flow of IPv4 has no IPv6 next hop, an IPv4 next hop of an IPv6 flow is written as mapped, and
    events and flows of NetFlow v5 have none at all (seen in 1.7.7).
    """
    if ":" in text:
        return text if is_ipv6 else ""
    if is_ipv6 and text:
        return f"::ffff:{text}"
    return text if is_ipv4 else ""


def is_dropped(flow_types: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which records go to no plugin: those without IP or MAC addresses, or a frame.

    nfacctd has no flow type for them, and passes them over (seen in 1.7.7).
    """
    return flow_types == 0
