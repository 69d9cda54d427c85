"""pre_tag_map: tags, label and TOS of a flow, by rules that may jump (reference 5.4)."""

from collections.abc import Callable
from operator import add, or_
from typing import NamedTuple

from collector.nfacctd.maps.columns import Flow
from collector.nfacctd.maps.jumps import Targets, resolve_jumps
from collector.nfacctd.maps.match_keys import PRE_TAG_KEYS
from collector.nfacctd.maps.rule_index import RuleIndex
from collector.nfacctd.maps.rules import Language, Rules, Settings, load_rules
from collector.nfacctd.maps.syntax import Mistakes
from collector.nfacctd.maps.tags import LABEL_SEPARATOR, UNTAGGED, Tags, TagValue, read_tag, wrapped
from collector.nfacctd.maps.values import number, switch

_STACKS: dict[str, Callable[[int, int], int]] = {"sum": add, "or": or_}
_TAG_KEYS = {"set_tag": "tag", "id": "tag", "set_tag2": "tag2", "id2": "tag2"}


class _Action(NamedTuple):
    """What a rule does when it matches."""

    tag: TagValue | None = None
    tag2: TagValue | None = None
    label: str | None = None
    tos: int | None = None
    stack: Callable[[int, int], int] | None = None
    name: str | None = None  # where others jump to
    jump: str | None = None
    hands_out: bool = False  # `return=true`: the flow goes out as it is tagged, then jumps

    @property
    def is_final(self) -> bool:
        """Whether the outcome is the same for every flow that gets here first."""
        grows = (self.tag and self.tag.grows) or (self.tag2 and self.tag2.grows)
        return self.jump is None and not grows


def _text(text: str) -> str:
    return text


def _stack(text: str) -> Callable[[int, int], int]:
    if text not in _STACKS:
        raise ValueError(f"{text!r} is neither sum nor or")
    return _STACKS[text]


def _tos(text: str) -> int:
    return number(text, 255)


def _action(settings: Settings) -> _Action:
    setting = [key for key in (*_TAG_KEYS, "set_label") if key in settings]
    if len(setting) > 1:
        raise ValueError(f"a rule sets one of tag, tag2, label: not {' and '.join(setting)}")
    tags = {name: settings[key] for key, name in _TAG_KEYS.items() if key in settings}
    return _Action(
        **tags,
        label=settings.get("set_label"),
        tos=settings.get("set_tos"),
        stack=settings.get("stack"),
        name=settings.get("label"),
        jump=settings.get("jeq"),
        hands_out=settings.get("return", False),
    )


_LANGUAGE: Language[_Action] = Language(
    match=PRE_TAG_KEYS,
    settings={
        **dict.fromkeys(_TAG_KEYS, read_tag),
        "set_label": _text,
        "set_tos": _tos,
        "label": _text,
        "jeq": _text,
        "stack": _stack,
        "return": switch,
    },
    give=_action,
)


class PreTagMap:
    """A loaded map. A reload makes another one.

    ``keys`` are the properties of flows that its rules look at (`match_keys`). Flows that agree in
    them get the same tags, unless the map is ``stateful``: then a rule has ``N++``, and every flow
    has to be asked for.
    """

    __slots__ = ("_actions", "_finals", "_grown", "_index", "_targets", "keys", "stateful")

    def __init__(self, rules: Rules[_Action], targets: dict[int, Targets]) -> None:
        self._index: RuleIndex = rules.index
        self._actions = rules.given
        self._targets = targets
        # State on purpose: what N++ gives must differ from flow to flow.
        self._grown: dict[tuple[int, str], int] = {}  # rule and tag -> how often it was given
        self._finals: dict[int, Tags] = {}  # made when first asked for
        self.stateful = any(
            tag is not None and tag.grows for act in rules.given for tag in (act.tag, act.tag2)
        )
        self.keys: frozenset[str] = rules.index.keys | ({"ip"} if targets else frozenset())

    @classmethod
    def load(cls, path: str) -> "PreTagMap":
        """Read the map.

        Raises:
            MapError: all its mistakes.
        """
        rules = load_rules(path, _LANGUAGE)
        names = [action.name for action in rules.given]
        jumps = [action.jump for action in rules.given]
        return cls(rules, resolve_jumps(Mistakes(path), names, jumps, rules))

    def __len__(self) -> int:
        return len(self._actions)

    def evaluate(self, flow: Flow) -> Tags:
        """Return what the rules give to a flow.

        Cost: a few hash lookups, however many rules there are.
        """
        position = self._index.first(flow)
        if position is None:
            return UNTAGGED
        tags = self._finals.get(position)
        if tags is None:
            tags = self._follow(flow, position)
            if self._actions[position].is_final:
                self._finals[position] = tags
        return tags

    def _follow(self, flow: Flow, position: int | None) -> Tags:
        outcome = _Outcome()
        is_ipv6 = ":" in str(flow.get("ip") or "")
        while position is not None:
            action = self._actions[position]
            for name in ("tag", "tag2"):
                value = getattr(action, name)
                if value is not None:
                    outcome.set_tag(name, self._next_of(position, name, value), action.stack)
            outcome.set_rest(action)
            targets = self._targets.get(position)
            target = targets and targets[is_ipv6]
            if target is None:
                break
            if action.hands_out:
                outcome.hand_out()
            position = self._index.first(flow, target)
        return outcome.tags()

    def _next_of(self, position: int, name: str, value: TagValue) -> int:
        if not value.grows:
            return value.number
        times = self._grown.get((position, name), 0)
        self._grown[position, name] = times + 1
        return wrapped(value.number + times)


class _Outcome:
    """Tags of one flow while rules are followed."""

    __slots__ = ("_copies", "_labels", "_tags", "_tos")

    def __init__(self) -> None:
        self._tags: dict[str, int] = {}
        self._labels: list[str] = []
        self._tos: int | None = None
        self._copies: list[Tags] = []

    def set_tag(self, name: str, tag: int, stack: Callable[[int, int], int] | None) -> None:
        """Set a tag, on top of the one that is there where the rule stacks."""
        self._tags[name] = wrapped(stack(tag, self._tags.get(name, 0))) if stack else tag

    def set_rest(self, action: _Action) -> None:
        """Append the label of a rule, and take its TOS."""
        if action.label is not None:
            self._labels.append(action.label)
        if action.tos is not None:
            self._tos = action.tos

    def hand_out(self) -> None:
        """Keep a copy of the tags so far, and begin anew. The TOS stays."""
        self._copies.append(self._now())
        self._tags, self._labels = {}, []

    def tags(self) -> Tags:
        """Return what has come of it."""
        return self._now(tuple(self._copies))

    def _now(self, copies: tuple[Tags, ...] = ()) -> Tags:
        return Tags(
            tag=self._tags.get("tag", 0),
            tag2=self._tags.get("tag2", 0),
            label=LABEL_SEPARATOR.join(self._labels),
            tos=self._tos,
            has_tag="tag" in self._tags,
            has_tag2="tag2" in self._tags,
            has_label=bool(self._labels),
            copies=copies,
        )
