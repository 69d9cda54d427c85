"""Rows of a map into rules: what each demands of a flow, and what it gives (reference 5.4)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from collector.nfacctd.maps.columns import LeadingBits
from collector.nfacctd.maps.conditions import Condition, Equals
from collector.nfacctd.maps.gc_pause import collector_paused
from collector.nfacctd.maps.match_keys import MatchKey
from collector.nfacctd.maps.rule_index import RuleIndex
from collector.nfacctd.maps.syntax import Mistakes, Row, read_rows, split_token, tokens_of

Given = TypeVar("Given")
Settings = Mapping[str, object]  # SET key -> value


@dataclass(frozen=True, slots=True)
class Language(Generic[Given]):
    """Which keys a map has, and what the SET keys of a rule amount to."""

    match: Mapping[str, MatchKey]
    settings: Mapping[str, Callable[[str], object]]  # SET key -> reader; raises ValueError
    give: Callable[[Settings], Given]  # raises ValueError: the SET keys do not go together
    foreign: frozenset[str] = frozenset()  # keys of other maps: a rule with one is left out


@dataclass(slots=True)
class Rules(Generic[Given]):
    """The rules of one map by position, which is their order in the file."""

    index: RuleIndex
    given: list[Given]
    lines: list[int]
    versions: bytearray  # IP version that `ip` confines each to; 0: either
    skipped: int  # rules that were left out


class _Token:
    """What one ``key=value`` says; equal ones are read once."""

    __slots__ = ("condition", "key", "value")

    def __init__(self, key: str, condition: Condition | None, value: object) -> None:
        self.key, self.condition, self.value = key, condition, value


class _RowReader(Generic[Given]):
    def __init__(self, language: Language[Given]) -> None:
        self._language = language
        self._known: dict[str, _Token] = {}  # a value of a big map comes again and again

    def read(self, row: Row) -> tuple[list[Condition], Given] | None:
        """Read a rule; None: it is one of another map."""
        tokens = [self._token(text) for text in tokens_of(row.text)]
        if len({token.key for token in tokens}) < len(tokens):
            raise ValueError(f"{_twice(token.key for token in tokens)!r} comes twice")
        language = self._language
        if language.foreign and any(token.key in language.foreign for token in tokens):
            return None
        conditions = [token.condition for token in tokens if token.condition is not None]
        settings = {token.key: token.value for token in tokens if token.condition is None}
        return conditions, language.give(settings)

    def _token(self, text: str) -> _Token:
        token = self._known.get(text)
        if token is None:
            token = self._known[text] = self._read_token(text)
        return token

    def _read_token(self, text: str) -> _Token:
        key, value = split_token(text)
        language = self._language
        try:
            if key in language.match:
                return _Token(key, language.match[key].condition(value), None)
            if key in language.settings:
                return _Token(key, None, language.settings[key](value))
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from error
        if key in language.foreign:
            return _Token(key, None, None)
        raise ValueError(f"unknown key {key!r}")


def load_rules(path: str, language: Language[Given]) -> Rules[Given]:
    """Read a map.

    Raises:
        MapError: all its mistakes, as "file:line: reason".
    Cost: a few microseconds a row.
    """
    mistakes = Mistakes(path)
    with collector_paused():
        rules = _read_rules(path, language, mistakes)
    mistakes.raise_any()
    return rules


def _read_rules(path: str, language: Language[Given], mistakes: Mistakes) -> Rules[Given]:
    rules: Rules[Given] = Rules(RuleIndex(), [], [], bytearray(), 0)
    reader = _RowReader(language)
    for row in read_rows(path):
        try:
            rule = reader.read(row)
        except ValueError as error:
            mistakes.add(row.line, str(error))
            continue
        if rule is None:
            rules.skipped += 1
            continue
        conditions, given = rule
        rules.index.add(conditions)
        rules.given.append(given)
        rules.lines.append(row.line)
        rules.versions.append(_version(conditions))
    return rules


def _version(conditions: Iterable[Condition]) -> int:
    for condition in conditions:
        if type(condition) is Equals and condition.column.property == "ip":
            column = condition.column
            if type(column) is LeadingBits:
                return column.version
            return 6 if ":" in condition.value else 4
    return 0


def _twice(keys: Iterable[str]) -> str:
    seen: set[str] = set()
    return next(key for key in keys if key in seen or seen.add(key))
