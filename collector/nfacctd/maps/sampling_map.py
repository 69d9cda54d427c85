"""sampling_map: the sampling rate of a flow, in place of what its device says (reference 2.4)."""

from collector.nfacctd.maps.first_match import FirstMatchMap, sole
from collector.nfacctd.maps.match_keys import IN, IP, OUT
from collector.nfacctd.maps.rules import Language, load_rules
from collector.nfacctd.maps.values import number

_MAX_RATE = 0xFFFF_FFFF


def _rate(text: str) -> int:
    return number(text, _MAX_RATE, 1)


_LANGUAGE: Language[int] = Language(
    match={"ip": IP, "in": IN, "out": OUT}, settings={"id": _rate}, give=sole("id")
)


class SamplingMap(FirstMatchMap[int]):
    """Gives sampling rates: one packet in so many is seen."""

    @classmethod
    def load(cls, path: str) -> "SamplingMap":
        """Read the map.

        Raises:
            MapError: all its mistakes.
        """
        return cls(load_rules(path, _LANGUAGE))
