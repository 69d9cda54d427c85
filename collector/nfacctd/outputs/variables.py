"""$variables of topics, partition keys and file names: what they stand for (reference 6.1, 6.3).

Addresses have underscores for dots and colons, as nfacctd writes them everywhere.
"""

import re
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from collector.nfacctd.maps.ip_protocols import protocol_number
from collector.nfacctd.settings import Plugin

Values = Mapping[str, Any]
"""A flow record, or what `router_values` gives."""

_VARIABLE = re.compile(r"\$([a-z][a-z0-9_]*)")
_MONTH_S = 30 * 86_400  # nfacctd's, of $hst
_UNDERSCORES = str.maketrans(".:", "__")


Variables = Mapping[str, Callable[[Values], str]]
"""By name: what writes the value."""


class Pattern:
    """Text in which some variables are replaced; a dollar before any other name stays.

    Args:
        text: as the conf has it.
    """

    def __init__(self, text: str, variables: Variables) -> None:
        self._parts: list[str | Callable[[Values], str]] = []
        end = 0
        for found in _VARIABLE.finditer(text):
            name = _longest(found[1], variables)
            if name is None:
                continue
            self._parts += [text[end : found.start()], variables[name]]
            end = found.start() + 1 + len(name)
        self._parts.append(text[end:])
        self.constant: str | None = text if len(self._parts) == 1 else None
        """The text, where there is no variable in it."""

    @property
    def is_constant(self) -> bool:
        """Whether the text is the same for all records."""
        return all(isinstance(part, str) for part in self._parts)

    def expand(self, values: Values) -> str:
        """Write the text for one record."""
        if self.constant is not None:
            return self.constant
        return "".join([part if isinstance(part, str) else part(values) for part in self._parts])


def _longest(text: str, names: Mapping[str, Any]) -> str | None:
    """Find the name that a text begins with: "$tag_x" is $tag and "_x", "$tag2" is $tag2."""
    fitting = [name for name in names if text.startswith(name)]
    return max(fitting, key=len, default=None)


def topic_variables(plugin: Plugin) -> Variables:
    """Give the variables of topics of flow records."""
    return {
        "peer_src_ip": _address("peer_ip_src", "null"),
        "tag": _text("tag", "0"),
        "tag2": _text("tag2", "0"),
        "post_tag": _constant(plugin.post_tag or 0),
        "post_tag2": _constant(plugin.post_tag2 or 0),
    }


def key_variables(plugin: Plugin) -> Variables:
    """Give the variables of partition keys of flow records."""
    return {
        **topic_variables(plugin),
        "src_host": _address("ip_src"),
        "dst_host": _address("ip_dst"),
        "src_port": _text("port_src", "0"),
        "dst_port": _text("port_dst", "0"),
        "proto": lambda values: _protocol(str(values.get("ip_proto", "0"))),
        "in_iface": _text("iface_in", "0"),
    }


def file_variables(plugin: Plugin) -> Variables:
    """Give the variables of file names of flow records."""
    history = plugin.history
    length_s = (history.length_s or history.count * _MONTH_S) if history else 0
    return {
        **topic_variables(plugin),
        "ref": _constant(plugin.refresh_s),
        "hst": _constant(length_s),
        "tzone": lambda _values: time.strftime("%z"),
    }


def router_values(address: str, port: int) -> Values:
    """Give the values of `ROUTER_VARIABLES`."""
    return {"bmp_router": address, "bmp_router_port": port}


def _address(key: str, absent: str = "") -> Callable[[Values], str]:
    return lambda values: str(values.get(key, absent)).translate(_UNDERSCORES)


def _text(key: str, absent: str = "") -> Callable[[Values], str]:
    return lambda values: str(values.get(key, absent))


def _constant(value: int) -> Callable[[Values], str]:
    return lambda _values: str(value)


@lru_cache(maxsize=1024)
def _protocol(text: str) -> str:
    try:
        return str(protocol_number(text))
    except ValueError:
        return text


ROUTER_VARIABLES: Variables = {
    "bmp_router": _address("bmp_router"),
    "bmp_router_port": _text("bmp_router_port"),
    # nfacctd's names of other daemons, which it takes here as well
    "peer_src_ip": _address("bmp_router"),
    "peer_tcp_port": _text("bmp_router_port"),
}
"""Variables of BMP outputs."""
