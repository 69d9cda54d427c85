"""Open a capture file of whatever format and read its frames."""

from collections.abc import Iterator
from typing import BinaryIO

from collector.receivers.capture.frame import Frame, NotACaptureError
from collector.receivers.capture.notes import Notes
from collector.receivers.capture.pcap import MAGICS, read_pcap
from collector.receivers.capture.pcapng import SECTION_HEADER, read_pcapng


def read_frames(file: BinaryIO, notes: Notes) -> Iterator[Frame]:
    """Yield the frames of a pcap or pcapng file, in its order; it need not be seekable.

    What is damaged or cut short is noted and ends the reading.

    Raises:
        NotACaptureError: the file begins like neither format.
    """
    start = file.read(4)
    if start in MAGICS:
        yield from read_pcap(start, file, notes)
    elif start == SECTION_HEADER:
        yield from read_pcapng(start, file, notes)
    else:
        raise NotACaptureError("neither a pcap nor a pcapng file")
