"""IPFIX Sets: cut a Message body into Sets (RFC 7011 section 3.3).

| Set ID (16 bits) | Length (16 bits) | records, then optional padding ... |
"""

import struct
from functools import partial
from typing import NamedTuple

from collector.errors import DecodeError, MalformedError, TruncatedError

TEMPLATE_SET = 2
OPTIONS_TEMPLATE_SET = 3
FIRST_DATA_SET = 256  # Set ID and Template ID: lower ones are reserved
SET_HEADER = struct.Struct("!HH")  # Set ID, Length
_SOURCE = "RFC 7011 section 3.3.2"


class Set(NamedTuple):
    """One Set: its ID, what follows the Set Header, padding included, and where that begins."""

    set_id: int
    body: memoryview
    offset: int  # octets from the start of the Message to body[0]


# A Set is made for every Data Set that arrives: a third of the cost of calling the class.
new_set = partial(tuple.__new__, Set)


def split_sets(body: memoryview, offset: int) -> tuple[list[Set], DecodeError | None]:
    """Cut a Message body into its Sets, in wire order (RFC 7011 section 3.3.2).

    Set IDs are not judged: a Set with a reserved ID has a Length too, so the caller can skip it.

    Args:
        body: Message without its header; Sets are views into it, not copies.
        offset: octets from the start of the Message to ``body[0]``.
    Returns:
        The Sets up to the first bad one, and its fault: ``TruncatedError`` where a Set Header or
        its Length runs past the Message, ``MalformedError`` where a Length is below 4.
    """
    sets: list[Set] = []
    start, end = 0, len(body)
    while start < end:
        if end - start < 4:
            return sets, TruncatedError(offset + start, "Set Header cut short", _SOURCE)
        set_id, length = SET_HEADER.unpack_from(body, start)
        stop = start + length
        if length < 4:
            reason = f"Set Length {length} is below 4"
            return sets, MalformedError(offset + start, reason, _SOURCE)
        if stop > end:
            reason = f"Set Length {length} passes the end"
            return sets, TruncatedError(offset + start, reason, _SOURCE)
        sets.append(new_set((set_id, body[start + 4 : stop], offset + start + 4)))
        start = stop
    # RFC 7011 section 9.1 discards the whole Message; operators want the flows before the fault.
    return sets, None


def is_padding(octets: memoryview) -> bool:
    """Tell whether there are only zeros (section 3.3.1), at the speed of memory."""
    return not bytes(octets).strip(b"\0")
