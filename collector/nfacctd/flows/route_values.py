"""What a flow takes from a BGP route (reference 4.7), and the table of a batch's routes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import polars as pl

from collector.nfacctd.maps.communities import communities
from collector.nfacctd.maps.conditions import Condition
from collector.nfacctd.settings import Settings


@dataclass(frozen=True, slots=True)
class RouteValues:
    """A route to a flow's source or destination. Lists are text with blanks (`bgp_text`)."""

    prefix_length: int
    origin_as: int = 0  # last AS of the path
    peer_as: int = 0  # first AS of the path
    as_path: str = ""
    std_comm: str = ""
    ext_comm: str = ""
    lrg_comm: str = ""
    local_pref: int = 0
    med: int = 0
    next_hop: str = ""  # of MP_REACH_NLRI where there is one
    roa: str = "u"


class RouteQuestion(NamedTuple):
    """What a flow's routes are looked up by; addresses are canonical text, "" where it has none."""

    agent: str  # UDP source, or what `bmp_agent_map` gives in its place
    source: str
    destination: str
    rd: int  # 8 octets as a number; see `vrf.flow_rd_text`
    rd_origin: int  # `vrf.Origin`; UNKNOWN: the flow has no route distinguisher
    next_hop: str


RoutesOf = Callable[[RouteQuestion], tuple[RouteValues | None, RouteValues | None]]
"""Looks up the routes to a flow's source and to its destination."""

_NO_ROUTE = RouteValues(prefix_length=0)


class RouteTable:
    """Routes of one batch by number; 0 is none. `shape` is applied to each as it comes in."""

    __slots__ = ("_numbers", "_routes", "_shape")

    def __init__(self, shape: Callable[[RouteValues], RouteValues]) -> None:
        self._shape = shape
        self._routes = [_NO_ROUTE]
        self._numbers: dict[RouteValues, int] = {}

    def number_of(self, route: RouteValues | None) -> int:
        """Give the number of a route."""
        if route is None:
            return 0
        number = self._numbers.get(route)
        if number is None:
            number = self._numbers[route] = len(self._routes)
            self._routes.append(self._shape(route))
        return number

    def __getitem__(self, number: int) -> RouteValues:
        """Give a route; of 0 one that says nothing."""
        return self._routes[number]

    def column(self, attribute: str) -> pl.Series:
        """Give one attribute of all routes, by number."""
        return pl.Series(attribute, [getattr(route, attribute) for route in self._routes])


class RouteShaper:
    """Cuts paths and communities down to what the conf wants, and fills AS numbers from them.

    `bgp_aspath_radius`, `bgp_*comm_pattern`, `bgp_*comm_pattern_to_asn`, `bgp_peer_as_skip_subas`.
    """

    def __init__(self, settings: Settings) -> None:
        self._radius = settings.aspath_radius
        self._patterns = {
            "std_comm": _condition(settings.stdcomm_pattern),
            "ext_comm": _condition(settings.extcomm_pattern),
            "lrg_comm": _condition(settings.lrgcomm_pattern),
        }
        self._as_patterns = {
            "std_comm": _condition(settings.stdcomm_pattern_to_asn),
            "lrg_comm": _condition(settings.lrgcomm_pattern_to_asn),
        }
        self._skip_confederation = settings.peer_as_skip_subas
        self.shape = lru_cache(maxsize=65_536)(self._shape)

    def _shape(self, route: RouteValues) -> RouteValues:
        changes: dict[str, object] = {}
        if self._skip_confederation:
            changes["peer_as"] = _first_outside(route.as_path)
        for name, condition in self._as_patterns.items():
            if condition is not None:
                changes |= self._as_numbers(route, name, condition, changes)
        if self._radius:
            changes["as_path"] = " ".join(route.as_path.split()[: self._radius])
        for name, condition in self._patterns.items():
            if condition is not None:
                changes[name] = " ".join(_matching(getattr(route, name), condition))
        return replace(route, **changes) if changes else route

    def _as_numbers(
        self, route: RouteValues, name: str, condition: Condition, changes: dict[str, object]
    ) -> dict[str, object]:
        """Take AS numbers that the path lacks out of the first community that matches."""
        found = next(iter(_matching(getattr(route, name), condition)), None)
        if found is None:
            return {}
        peer, _, origin = found.partition(":")
        numbers = {"peer_as": peer, "origin_as": origin.partition(":")[0]}
        return {
            field: int(text)
            for field, text in numbers.items()
            if text.isdigit() and not changes.get(field, getattr(route, field))
        }


def _condition(patterns: Iterable[str]) -> Condition | None:
    joined = ",".join(patterns)
    return communities("comms", joined) if joined else None


def _matching(text: str, condition: Condition) -> Iterable[str]:
    return [word for word in text.split() if condition.holds({"comms": (word,)})]


def _first_outside(as_path: str) -> int:
    """Find the first AS that is not of a confederation's segment, in parentheses or brackets."""
    depth = 0
    for word in as_path.split():
        depth += word.count("(") + word.count("[")
        is_plain = depth == 0 and word.isdigit()
        depth -= word.count(")") + word.count("]")
        if is_plain:
            return int(word)
    return 0
