"""What becomes of a session's messages: into the tables, and events of them.

A message costs several times less among many others, as most are UPDATEs of the plainest form.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collector.errors import DecodeError
from collector.metrics import Counters, register
from collector.processors.bmp_tables import BmpTables
from collector.protocols.bgp.plain_attributes import PLAIN_AS_SIZE
from collector.protocols.bmp.decoder import BmpDecoder
from collector.protocols.bmp.json_form import message_json, monitoring_json
from collector.protocols.bmp.messages import BmpMessage
from collector.protocols.bmp.plain_messages import PlainMessages, find_plain

register(bmp_malformed="BMP messages that break their protocol; the session goes on")

# Of fewer messages each by itself is read sooner (measured); of fewer in a table, where all of them
# were looked at already.
_MANY, _SOME = 20, 8

Bodies = list[dict[str, Any]]
"""Events of messages, in their order, without what all events of a session have."""


class BmpReading:
    """Decoder and tables of one session.

    Args:
        note: gets what was decoded by itself, which is everything but plain Route Monitoring.
    """

    def __init__(
        self, tables: BmpTables, counters: Counters, note: Callable[[BmpMessage], None]
    ) -> None:
        self._tables = tables
        self._counters = counters
        self._note = note
        self._decoder = BmpDecoder()

    def take(self, messages: Sequence[bytes], now_s: float, told: Bodies | None) -> None:
        """Take messages, in order.

        Args:
            told: gets the events of what was taken, also where the rest fails; None: nobody wants
                them.
        """
        done = 0
        if len(messages) >= _MANY:
            plain = find_plain(messages)
            for start, stop in plain.stretches:
                self._take_each(messages[done:start], now_s, told)
                self._take_plain(messages, plain, (start, stop), now_s, told)
                done = stop
        self._take_each(messages[done:], now_s, told)

    def _take_each(self, messages: Sequence[bytes], now_s: float, told: Bodies | None) -> None:
        decode, apply = self._decoder.decode, self._tables.apply
        for octets in messages:
            try:
                message = decode(octets)
                apply(message, now_s)
                if told is not None:
                    told.append(message_json(message))
            except DecodeError as error:
                self._counters.add("bmp_malformed")
                if told is not None:
                    fault = {"type": "error", "reason": error.reason, "offset": error.offset}
                    told.append(fault)
                continue
            self._note(message)

    def _take_plain(
        self,
        messages: Sequence[bytes],
        plain: PlainMessages,
        stretch: tuple[int, int],
        now_s: float,
        told: Bodies | None,
    ) -> None:
        """Take a stretch of plain messages, table by table; there is one event of each."""
        by_run: list[tuple[list[int], Bodies]] = []
        try:
            for rows in plain.runs(messages, *stretch):
                bodies: Bodies = []
                by_run.append((rows.tolist(), bodies))
                self._take_run(messages, plain, rows, now_s, None if told is None else bodies)
        finally:
            if told is not None:
                pairs = chain.from_iterable(zip(*each, strict=False) for each in by_run)
                told.extend(body for _, body in sorted(pairs, key=itemgetter(0)))

    def _take_run(
        self,
        messages: Sequence[bytes],
        plain: PlainMessages,
        rows: NDArray[np.int64],
        now_s: float,
        told: Bodies | None,
    ) -> None:
        decoder = self._decoder
        header, _ = decoder.per_peer(messages[rows[0]])
        if len(rows) >= _SOME and header.as_size == PLAIN_AS_SIZE:
            run = plain.run(rows)
            if run.family not in decoder.add_path_families(header):
                self._tables.apply_plain(header, run, now_s)
                if told is not None:
                    times_us, lists = plain.times_us(rows), plain.lists(rows)
                    told.extend(monitoring_json(header, times_us, run, lists))
                return
        self._take_each([messages[row] for row in rows.tolist()], now_s, told)
