"""bmp_agent_map, also bgp_agent_map: whose routes the flows of an exporter take (reference 4.1)."""

from dataclasses import dataclass

from collector.nfacctd.maps.first_match import FirstMatchMap, sole
from collector.nfacctd.maps.match_keys import FILTER, IN, IP, OUT
from collector.nfacctd.maps.rules import Language, Settings, load_rules
from collector.nfacctd.maps.values import address, number


@dataclass(frozen=True, slots=True)
class Agent:
    """A router: the address of its session, or its router id; the port where one is asked for."""

    address: str
    port: int | None = None


def _port(text: str) -> int:
    return number(text, 0xFFFF, 1)


_router = sole("bmp_ip", "bgp_ip", "id")


def _agent(settings: Settings) -> Agent:
    return Agent(_router(settings), settings.get("bgp_port"))


_LANGUAGE: Language[Agent] = Language(
    match={"ip": IP, "in": IN, "out": OUT, "filter": FILTER},
    settings={"bmp_ip": address, "bgp_ip": address, "id": address, "bgp_port": _port},
    give=_agent,
)


class AgentMap(FirstMatchMap[Agent]):
    """Gives the router in place of a flow's UDP source."""

    @classmethod
    def load(cls, path: str) -> "AgentMap":
        """Read the map.

        Raises:
            MapError: all its mistakes.
        """
        return cls(load_rules(path, _LANGUAGE))
