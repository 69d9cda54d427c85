"""BMP messages as values: what `BmpDecoder.decode` gives (RFC 7854 section 4)."""

from typing import NamedTuple

from collector.protocols.bgp.families import Family
from collector.protocols.bgp.notification import Notification
from collector.protocols.bgp.open import Open
from collector.protocols.bgp.update import UpdateParts
from collector.protocols.bmp.information import Information
from collector.protocols.bmp.per_peer import PeerHeader
from collector.protocols.bmp.statistics import Statistic


class Initiation(NamedTuple):
    """A session begins; who the router is."""

    information: tuple[Information, ...]


class Termination(NamedTuple):
    """The router ends the session."""

    information: tuple[Information, ...]


class PeerUp(NamedTuple):
    """A peering came up, with the OPENs that both sides sent."""

    peer: PeerHeader
    time_us: int
    local_address: str | None  # None for Loc-RIB
    local_port: int
    remote_port: int
    sent_open: Open
    received_open: Open
    information: tuple[Information, ...]


class PeerDown(NamedTuple):
    """A peering went down; what the reason carries is None where it is not there."""

    peer: PeerHeader
    time_us: int
    reason: int
    notification: Notification | None = None  # reasons 1 and 3
    fsm_event: int | None = None  # reason 2
    information: tuple[Information, ...] | None = None  # reason 6


class RouteMonitoring(NamedTuple):
    """An UPDATE of one of the peer's tables, its attributes and NLRI not parsed yet."""

    peer: PeerHeader
    time_us: int
    parts: UpdateParts
    add_path_families: frozenset[Family]

    def add_path(self, afi: int, safi: int) -> bool:
        """Tell whether the family's NLRI carry path identifiers."""
        return (afi, safi) in self.add_path_families


class Statistics(NamedTuple):
    """What the router counts of a peer."""

    peer: PeerHeader
    time_us: int
    statistics: tuple[Statistic, ...]


class MirroredUpdate(NamedTuple):
    """A mirrored UPDATE; unlike Route Monitoring with the AS size of the BGP session."""

    parts: UpdateParts
    as_size: int
    add_path_families: frozenset[Family]

    def add_path(self, afi: int, safi: int) -> bool:
        """Tell whether the family's NLRI carry path identifiers."""
        return (afi, safi) in self.add_path_families


class MirroredMessage(NamedTuple):
    """A mirrored BGP message that is no UPDATE: its type, and what follows its header."""

    type: int
    body: bytes


class MirroringInformation(NamedTuple):
    """Why messages are mirrored, or missing: 0 errored PDU, 1 messages lost."""

    code: int


class MirroringTlv(NamedTuple):
    """A TLV of a type that RFC 7854 does not know."""

    type: int
    value: bytes


Mirrored = MirroredUpdate | MirroredMessage | MirroringInformation | MirroringTlv


class RouteMirroring(NamedTuple):
    """BGP messages exactly as the peer sent them."""

    peer: PeerHeader
    time_us: int
    mirrored: tuple[Mirrored, ...]


class UnknownType(NamedTuple):
    """A message of a type that we do not know; ``octets`` follow its common header."""

    type: int
    octets: bytes


class Version4(NamedTuple):
    """A message of BMP version 4, skipped; ``octets`` follow its common header."""

    type: int
    octets: bytes


BmpMessage = (
    Initiation
    | Termination
    | PeerUp
    | PeerDown
    | RouteMonitoring
    | Statistics
    | RouteMirroring
    | UnknownType
    | Version4
)
