"""kafka_preprocess, print_preprocess: which records are worth sending at a purge (5.3)."""

from collector.nfacctd.maps.values import number
from collector.nfacctd.settings import Preprocess

_CHECKS = ("minp", "minf", "minb", "maxp", "maxf", "maxb", "minbpp", "minppf", "maxbpp", "maxppf")
_MAX = 0xFFFF_FFFF


def read_preprocess(text: str, match_all: bool) -> Preprocess:
    """Read ``minp=3, minb=1000``.

    Raises:
        ValueError: a check is unknown, comes twice, or is not of a positive number.
    """
    checks: dict[str, int] = {}
    for term in text.replace(" ", "").split(","):
        key, equals, value = term.lower().partition("=")
        if not equals or key not in _CHECKS:
            raise ValueError(f"{term!r} is none of {', '.join(_CHECKS)}, with =NUMBER")
        if key in checks:
            raise ValueError(f"{key!r} comes twice")
        checks[key] = number(value, _MAX, 1)
    return Preprocess(**checks, match_all=match_all)


def takes_counts(checks: Preprocess, packets: int, octets: int, flows: int) -> bool:
    """Tell whether a record passes one of the checks, or all of them where that is asked for.

    A minimum is the least that passes, a maximum the first that does not. Ratios are whole numbers;
    without packets, or flows, to divide by, their checks fail.
    """
    octets_a_packet = octets // packets if packets else None
    packets_a_flow = packets // flows if flows else None
    measured = {
        "p": packets,
        "f": flows,
        "b": octets,
        "bpp": octets_a_packet,
        "ppf": packets_a_flow,
    }
    passed = [
        value is not None and (value >= limit if check.startswith("min") else value < limit)
        for check in _CHECKS
        if (limit := getattr(checks, check)) is not None
        for value in (measured[check[3:]],)
    ]
    return not passed or (all(passed) if checks.match_all else any(passed))
