"""BMP records on their way to an output: what kind, of which router, the record itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from collector.nfacctd.maps.tags import UNTAGGED, Tags

# Kinds of records: in Avro each is a schema, registered as the topic's name, "-", and this.
ROUTE_LOG = "bmp_msglog_rm"
ROUTE_DUMP = "bmp_dump_rm"
STATISTICS = "bmp_stats"
PEER_UP = "bmp_peer_up"
PEER_DOWN = "bmp_peer_down"
INITIATION = "bmp_init"
TERMINATION = "bmp_term"
LOG_INIT = "bmp_loginit"
LOG_CLOSE = "bmp_logclose"
DUMP_INIT = "bmp_dumpinit"
DUMP_CLOSE = "bmp_dumpclose"


@dataclass(frozen=True, slots=True)
class Router:
    """The sender of a BMP session, as records name it."""

    address: str
    port: int
    tags: Tags = UNTAGGED


class BmpRecord(NamedTuple):
    """One record.

    ``time_s`` is what variables of file names stand for: the slot of a dump, in the log now.
    """

    kind: str
    router: Router
    time_s: int
    fields: dict[str, Any]


Sink = Callable[[Sequence[BmpRecord]], None]
"""Takes records in order; what becomes of them if an output is full is its own affair."""
