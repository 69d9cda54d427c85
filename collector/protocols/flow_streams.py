"""Streams: who sends what to whom it was announced, so that a burst is decoded without a loop.

A stream is one (exporter, observation domain, version, template) whose records have one length. It
is resolved by `FlowDecoder` once; from then on its Data Sets cost a lookup of their key each.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from collector.protocols.flow_burst import SOURCE_OCTETS, Burst, Cuts, Headers, cut
from collector.protocols.flow_decoder import FlowDecoder
from collector.protocols.flow_domains import Domain
from collector.protocols.ipfix.layout import Layout
from collector.protocols.netflow import v9
from collector.protocols.sequence import MODULUS

_MAX_KEYS, _MAX_LAYOUTS = 1 << 16, 4096
_ALONE, _UNKNOWN = -1, -2  # in place of a stream's number
_KEY = np.dtype(
    [("source", f"V{SOURCE_OCTETS}"), ("domain", "=u4"), ("version", "=u2"), ("set_id", "=u2")]
)
_MICROSECONDS = 1_000_000
_COLUMNS = ("exporter", "template_id", "record_octets", "init_ms", "layout", "domain")


class PlainSets(NamedTuple):
    """Data Sets of a burst, in wire order, shape (k,): where they are and what describes them."""

    datagram: NDArray[np.int64]
    stream: NDArray[np.int64]
    start: NDArray[np.int64]  # of the body, in the burst's buffer
    stop: NDArray[np.int64]
    records: NDArray[np.int64]


class Found(NamedTuple):
    """What a burst holds: ``sets`` of plain datagrams; ``others``, to be decoded one by one."""

    sets: PlainSets
    others: NDArray[np.int64]
    headers: Headers


class StreamTable:
    """Finds the streams of Data Sets, and follows the sequences of their domains.

    Args:
        decoder: knows domains and templates.
        exporter_of: gives a source address's number and text; None: it is refused.
        init_ms_of: when an exporter (by number) started, as its domain says, ms UTC; 0: not known.
    """

    def __init__(
        self,
        decoder: FlowDecoder,
        exporter_of: Callable[[bytes], tuple[int, str] | None],
        init_ms_of: Callable[[int, int], int],
    ) -> None:
        self._decoder = decoder
        self._exporter_of = exporter_of
        self._init_ms_of = init_ms_of
        self._clear()

    def _clear(self) -> None:
        self._sweeps = self._decoder.sweeps
        self._numbers: dict[bytes, int] = {}
        self._keys_of: dict[int, list[bytes]] = {}  # by exporter
        self._count = 0
        self._table = {name: np.zeros(64, np.int64) for name in _COLUMNS}  # by stream
        self._layouts: dict[Layout, int] = {}
        self._domains: list[Domain] = []
        self._domain_numbers: dict[tuple[str, int, int], int] = {}

    @property
    def _is_full(self) -> bool:
        # Templates that are gone leave their rows, and their layouts, behind.
        keys = max(len(self._numbers), self._count)
        return keys > _MAX_KEYS or len(self._layouts) > _MAX_LAYOUTS

    def forget(self, exporter: int) -> None:
        """Resolve an exporter's streams anew: it said something that may have changed them."""
        for key in self._keys_of.pop(exporter, ()):
            self._numbers.pop(key, None)

    def find(self, burst: Burst) -> Found:
        """Tell what can be read of a burst without looking at each datagram; changes no state.

        Datagrams of one source are either all plain or all for the decoder, so that each source's
        are taken in their order.
        """
        if self._sweeps != self._decoder.sweeps or self._is_full:
            self._clear()
        plain, headers, cuts = cut(burst)
        streams = self._streams(burst, headers, cuts)
        if not (streams >= 0).all():
            plain[cuts.datagram[streams < 0]] = False
        if not plain.all():
            others = set(burst.sources[~plain].tolist())
            plain &= [source not in others for source in burst.sources.tolist()]
            kept = plain[cuts.datagram]
            cuts, streams = Cuts(*(part[kept] for part in cuts)), streams[kept]
        octets = self._table["record_octets"][streams]
        sets = PlainSets(
            cuts.datagram, streams, cuts.start, cuts.stop, (cuts.stop - cuts.start) // octets
        )
        return Found(sets, np.flatnonzero(~plain), headers)

    def layouts(self, sets: PlainSets) -> list[tuple[Layout, PlainSets]]:
        """Sort Data Sets by layout."""
        layouts = list(self._layouts)
        numbers = self._table["layout"][sets.stream]
        if len(layouts) == 1 or (len(numbers) and (numbers == numbers[0]).all()):
            return [(layouts[int(numbers[0])], sets)] if len(numbers) else []
        return [
            (layouts[number], PlainSets(*(part[numbers == number] for part in sets)))
            for number in np.unique(numbers).tolist()
        ]

    def said(self, sets: PlainSets, headers: Headers, received_us: int) -> NDArray[np.int64]:
        """Give what messages said around Data Sets: shape (10, k), the rows of `SetColumns`."""
        of, table = sets.datagram, self._table
        return np.array(
            [
                table["exporter"][sets.stream],
                headers.observation_domain_id[of],
                table["template_id"][sets.stream],
                headers.version[of],
                headers.export_time_s[of] * _MICROSECONDS,
                np.full(len(of), received_us),
                headers.system_uptime_ms[of],
                table["init_ms"][sets.stream],
                np.zeros(len(of), np.int64),  # sampling in the header is NetFlow v5's
                headers.sequence[of],
            ]
        )

    def follow(self, found: Found, now_s: float) -> None:
        """Follow the sequences of the plain datagrams' domains, as the decoder does one by one."""
        sets, headers = found.sets, found.headers
        datagrams, streams, amounts = sets.datagram, sets.stream, sets.records
        if not len(datagrams):
            return
        firsts = _begins(datagrams)
        if len(firsts) < len(datagrams):
            amounts = np.add.reduceat(amounts, firsts)
            datagrams, streams = datagrams[firsts], streams[firsts]
        domains = self._table["domain"][streams]
        begins = _begins(domains)
        if len(begins) > 1:
            order = np.argsort(domains, kind="stable")
            datagrams, amounts, domains = datagrams[order], amounts[order], domains[order]
            begins = _begins(domains)
        sequences, export_s = headers.sequence[datagrams], headers.export_time_s[datagrams]
        # Version 9 counts datagrams.
        amounts = np.where(headers.version[datagrams] == v9.VERSION, 1, amounts)
        after = (sequences + amounts) % MODULUS
        ends = np.append(begins[1:], len(after))
        as_expected = np.empty(len(after), bool)
        as_expected[1:] = sequences[1:] == after[:-1]
        as_expected[begins] = True
        for number, first, last, export_time_s, in_order, start, end in zip(
            domains[begins].tolist(),
            sequences[begins].tolist(),
            after[ends - 1].tolist(),
            export_s[ends - 1].tolist(),
            np.logical_and.reduceat(as_expected, begins).tolist(),
            begins.tolist(),
            ends.tolist(),
            strict=True,
        ):
            domain = self._domains[number]
            domain.last_export_time_s = export_time_s
            domain.last_seen_s = now_s
            domain.messages += end - start
            if in_order and domain.sequence.expected == first:
                domain.sequence.expected = last
                continue
            version = int(headers.version[datagrams[start]])
            for at in range(start, end):
                self._decoder.follow(domain, version, int(sequences[at]), int(amounts[at]))

    def _streams(self, burst: Burst, headers: Headers, cuts: Cuts) -> NDArray[np.int64]:
        of = cuts.datagram
        keys = np.empty(len(of), _KEY)
        keys["source"] = burst.sources[of]
        keys["domain"] = headers.observation_domain_id[of]
        keys["version"] = headers.version[of]
        keys["set_id"] = cuts.set_id
        texts = keys.view(f"V{_KEY.itemsize}").tolist()
        get = self._numbers.get
        numbers = [get(key, _UNKNOWN) for key in texts]
        if _UNKNOWN in numbers:
            for key in {key for key, number in zip(texts, numbers, strict=True) if number < _ALONE}:
                self._resolve(key)
            numbers = [self._numbers[key] for key in texts]
        return np.array(numbers, np.int64)

    def _resolve(self, key: bytes) -> None:
        (entry,) = np.frombuffer(key, _KEY)
        domain_id, version, set_id = (int(entry[name]) for name in ("domain", "version", "set_id"))
        self._numbers[key] = _ALONE
        exporter = self._exporter_of(key[:SOURCE_OCTETS])
        if exporter is None:
            return
        number, name = exporter
        self._keys_of.setdefault(number, []).append(key)
        domain_key = (name, domain_id, version)
        domain = self._decoder.domains.get(domain_key)
        template = None if domain is None else domain.templates.by_id.get(set_id)
        if template is None or template.is_options or not template.layout.is_uniform:
            return
        if self._count == len(self._table["domain"]):
            self._table = {
                name: np.concatenate([column, np.zeros_like(column)])
                for name, column in self._table.items()
            }
        if domain_key not in self._domain_numbers:
            self._domain_numbers[domain_key] = len(self._domains)
            self._domains.append(domain)
        row = (
            number,
            set_id,
            template.record_octets,
            self._init_ms_of(number, domain_id),
            self._layouts.setdefault(template.layout, len(self._layouts)),
            self._domain_numbers[domain_key],
        )
        for column, value in zip(_COLUMNS, row, strict=True):
            self._table[column][self._count] = value
        self._numbers[key] = self._count
        self._count += 1


def _begins(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find where runs of equal values begin; ``values`` has some."""
    changes = np.empty(len(values), bool)
    changes[0] = True
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes.nonzero()[0]
