"""nfacctd_allow_file, bmp_daemon_allow_file: who may send, one address or prefix a line (5.4)."""

from ipaddress import IPv4Network, IPv6Network

from collector.nfacctd.maps.syntax import Mistakes, read_rows
from collector.nfacctd.maps.values import Prefix, prefix, width_of


def load_allow_file(path: str) -> tuple[str, ...]:
    """Read the prefixes, as "192.0.2.0/24". None at all: nobody may send.

    Raises:
        MapError: all its mistakes.
    """
    mistakes = Mistakes(path)
    prefixes: list[str] = []
    for row in read_rows(path):
        try:
            prefixes.append(_text(prefix(row.text)))
        except ValueError as error:
            mistakes.add(row.line, str(error))
    mistakes.raise_any()
    return tuple(prefixes)


def _text(allowed: Prefix) -> str:
    network = allowed.bits << (width_of(allowed.version) - allowed.length)
    form = IPv4Network if allowed.version == 4 else IPv6Network
    return str(form((network, allowed.length)))
