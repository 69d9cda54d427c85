"""One captured frame, whatever file format it was in."""

from typing import NamedTuple

from collector.errors import CollectorError

# A record that claims more is damage, not a frame: libpcap itself never writes above 256 KiB.
MAX_FRAME_OCTETS = 1 << 24


class NotACaptureError(CollectorError):
    """The file does not begin as any capture format we read does."""


class Frame(NamedTuple):
    """A frame as captured.

    ``time_ns`` is in nanoseconds since 1970 UTC, None where the format gives none (pcapng's Simple
    Packet Block); ``link_type`` is a LINKTYPE_ number of the tcpdump.org registry; ``octets`` may
    be fewer than ``original_length``, when the snap length cut the frame.
    """

    time_ns: int | None
    link_type: int
    octets: bytes
    original_length: int
