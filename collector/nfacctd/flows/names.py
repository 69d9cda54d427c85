"""Who exported a flow, and names of interfaces and applications, by exporter (2.4, 2.6)."""

from collections.abc import Sequence
from ipaddress import ip_address

import numpy as np
import polars as pl

from collector.nfacctd.flows.tables import Frame, OptionsOf
from collector.records.distinct import map_distinct
from collector.records.flow_batch import IPV4_MAPPED

_LOW_HALF = (1 << 64) - 1
_DOMAIN_BITS = np.uint64(32)


def fill_exporters(
    frame: Frame, names: Sequence[str], options_of: OptionsOf, *, ignore_told: bool
) -> None:
    """Add ``peer_src_ip``: what the record calls its exporter, or options data, or its sender.

    Args:
        frame: the batch.
        names: addresses of exporters, by index.
        options_of: what exporters say.
        ignore_told: `nfacctd_ignore_exporter_address`: the sender, whatever others say.
    """

    def number_of(exporter: int, domain: int) -> int:
        options = None if ignore_told else options_of(exporter)
        told = None if options is None else options.exporter_address(domain)
        address = ip_address(names[exporter] if told is None else told)
        return int(address) | (int(IPV4_MAPPED) if address.version == 4 else 0)

    # Every batch has this, also one of a few records: numpy has the least to do beforehand.
    keys = frame.numpy("exporter").astype(np.uint64) << _DOMAIN_BITS | frame.numpy("domain")
    distinct, of_row = np.unique(keys, return_inverse=True)
    numbers = [number_of(key >> 32, key & 0xFFFF_FFFF) for key in distinct.tolist()]
    high = np.array([number >> 64 for number in numbers], np.uint64)[of_row]
    low = np.array([number & _LOW_HALF for number in numbers], np.uint64)[of_row]
    if frame.has("record_exporter") and not ignore_told:
        said_high, said_low = frame.halves("record_exporter")
        said = (said_high != 0) | (said_low != 0)
        high, low = np.where(said, said_high, high), np.where(said, said_low, low)
    frame.put_halves("peer_src_ip", high, low)


def fill_names(frame: Frame, options_of: OptionsOf, needs: frozenset[str]) -> None:
    """Add ``in_iface_name``, ``out_iface_name``, ``class``, where they are asked for."""
    for column, key, method in (
        ("in_iface_name", "in_iface", "interface_name"),
        ("out_iface_name", "out_iface", "interface_name"),
        ("class", "application", "application_name"),
    ):
        if column not in needs or not frame.has(key):
            continue

        def name_of(exporter: int, domain: int, value: int, method: str = method) -> str:
            options = options_of(exporter)
            return "" if options is None else getattr(options, method)(domain, value)

        keys = [frame.get(name) for name in ("exporter", "domain", key)]
        frame.put(column, map_distinct(keys, name_of, pl.String()))
