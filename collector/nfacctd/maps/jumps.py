"""Where the rules of a pre_tag_map jump to: ``jeq=NAME`` to ``label=NAME``, only forward (5.4)."""

from collections.abc import Sequence
from typing import NamedTuple

from collector.nfacctd.maps.rules import Rules
from collector.nfacctd.maps.syntax import Mistakes

_NEXT = "next"  # the name of the rule that follows


class Targets(NamedTuple):
    """Where a rule jumps to; None: nowhere, the rule is the last one.

    The rules of IPv4 and of IPv6 exporters are two lists to nfacctd, and names belong to one.
    """

    ipv4: int | None
    ipv6: int | None


def resolve_jumps(
    mistakes: Mistakes, names: Sequence[str | None], jumps: Sequence[str | None], rules: Rules
) -> dict[int, Targets]:
    """Find the target of every rule that jumps.

    Args:
        names, jumps: of each rule by position, None for rules without.
    Raises:
        MapError: jumps that lead nowhere, or back.
    """
    if not any(jumps):
        return {}
    first_of = {version: _first_of(names, rules.versions, version) for version in (4, 6)}
    targets: dict[int, Targets] = {}
    for position, jump in enumerate(jumps):
        if jump is None:
            continue
        if jump == _NEXT:
            targets[position] = Targets(position + 1, position + 1)
            continue
        found = {
            version: first_of[version].get(jump)
            for version in (4, 6)
            if rules.versions[position] in (0, version)
        }
        forward = {
            version: target
            for version, target in found.items()
            if target is not None and target > position
        }
        if not forward:
            mistakes.add(rules.lines[position], _why(jump, found, rules.lines))
        targets[position] = Targets(forward.get(4), forward.get(6))
    mistakes.raise_any()
    return targets


def _first_of(names: Sequence[str | None], versions: Sequence[int], version: int) -> dict[str, int]:
    """Of rules with one name, the first counts, also where it lies behind the jump."""
    first: dict[str, int] = {}
    for position, name in enumerate(names):
        if name is not None and versions[position] in (0, version):
            first.setdefault(name, position)
    return first


def _why(jump: str, found: dict[int, int | None], lines: Sequence[int]) -> str:
    places = [target for target in found.values() if target is not None]
    if not places:
        return f"jeq: no rule for the same exporters has label={jump}"
    return f"jeq: label={jump} is on line {lines[min(places)]}, and jumps only go forward"
