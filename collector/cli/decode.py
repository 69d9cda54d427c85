"""`decode`: print what a capture's flow and BMP messages say, one JSON object a line."""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import orjson

from collector.cli.capture_decoder import CaptureDecoder, CaptureLine
from collector.receivers.capture.frame import NotACaptureError
from collector.receivers.capture.line_order import LineOrder
from collector.receivers.capture.notes import Notes
from collector.records.decode_lines import KINDS, Json

_EXIT_OK, _EXIT_NO_CAPTURE, _EXIT_INTERRUPTED = 0, 2, 130

# JSON lets them stand in a string, but many a reader ends a line there (U+0085, U+2028, U+2029).
_LINE_ENDS = (
    (b"\xc2\x85", rb"\u0085"),
    (b"\xe2\x80\xa8", rb"\u2028"),
    (b"\xe2\x80\xa9", rb"\u2029"),
)

_DESCRIPTION = """\
Print every NetFlow v5, NetFlow v9, IPFIX and BMP message of captures (pcap or pcapng) as JSON, one
object a line, in the order of the capture; notes on the capture itself go to standard error.

Without ports, messages are recognised by what they look like. As soon as one port is given, UDP or
TCP, only datagrams to the --udp-port and streams of the --tcp-port are read, nothing of the other
protocol unless a port of it is given too, and what does not fit is printed as an error.
"""
_EPILOG = """\
examples:
  collector decode router.pcap
  collector decode templates.pcap data.pcap       several files are one stream of time
  collector decode --udp-port 2055 --kinds flow,options router.pcapng
  tcpdump -U -w - udp port 4739 | collector decode /dev/stdin

exit status: 0 when the files could be read, whatever they hold; 2 when one is no capture
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand and its arguments."""
    parser = subparsers.add_parser(
        "decode",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path, help="pcap or pcapng")
    parser.add_argument(
        "--udp-port",
        action="append",
        type=_port,
        metavar="P",
        help="take UDP datagrams to this port for flow messages (repeatable)",
    )
    parser.add_argument(
        "--tcp-port",
        action="append",
        type=_port,
        metavar="P",
        help="take TCP streams of this port for BMP (repeatable)",
    )
    parser.add_argument(
        "--kinds",
        type=_kinds,
        default=frozenset(KINDS),
        metavar="KIND,...",
        help=f"print these kinds of lines only: {','.join(KINDS)}",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Decode the files that the command line names; returns the exit status."""
    try:
        return _decode(args)
    except BrokenPipeError:
        # The reader has seen enough (`| head`); Python would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _EXIT_OK
    except KeyboardInterrupt:
        return _EXIT_INTERRUPTED


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 65536):
        raise argparse.ArgumentTypeError(f'"{text}" is no port from 1 to 65535')
    return int(text)


def _kinds(text: str) -> frozenset[str]:
    kinds = frozenset(kind.strip() for kind in text.split(","))
    if unknown := sorted(kinds - frozenset(KINDS)):
        allowed = ", ".join(KINDS)
        raise argparse.ArgumentTypeError(f'"{", ".join(unknown)}" is none of {allowed}')
    return kinds


class _Output:
    """Lines on standard output, notes on standard error."""

    def __init__(self, kinds: frozenset[str]) -> None:
        self.notes = Notes()
        self._kinds = kinds
        self._order = LineOrder()
        self._file = sys.stdout.buffer

    def write(self, lines: Iterable[CaptureLine], held_since: int | None) -> None:
        """Print lines as soon as none of an earlier packet can follow (`CaptureDecoder`)."""
        for packet, line in lines:
            if line["kind"] in self._kinds:
                self._order.add(packet, _json_line(line))
        for octets in self._order.take(held_since):
            self._file.write(octets)

    def flush(self) -> None:
        """Let the reader see what was written."""
        self._file.flush()

    def write_notes(self, about: str) -> None:
        """Print what was noted since the last time."""
        for note in self.notes.take():
            print(f"{about}: {note}", file=sys.stderr)


def _decode(args: argparse.Namespace) -> int:
    output = _Output(args.kinds)
    decoder = CaptureDecoder(args.udp_port, args.tcp_port, output.notes)
    status = _EXIT_OK
    for path in args.files:
        try:
            # Whoever watches a pipe wants lines now, be they in order or not.
            is_live = not path.is_file()
            with path.open("rb") as file:
                for lines in decoder.read(file):
                    output.write(lines, None if is_live else decoder.held_since)
                    if is_live:
                        output.flush()
        except BrokenPipeError:
            raise
        except (OSError, NotACaptureError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            print(f"{path}: {reason}", file=sys.stderr)
            status = _EXIT_NO_CAPTURE
        output.write_notes(str(path))
    output.write(decoder.end(), None)
    output.write_notes("at the end")
    output.flush()
    return status


def _json_line(line: Json) -> bytes:
    try:
        octets = orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # a number of more than 64 bits
        return json.dumps(line, separators=(",", ":")).encode() + b"\n"
    for line_end, escaped in _LINE_ENDS:
        octets = octets.replace(line_end, escaped)
    return octets
