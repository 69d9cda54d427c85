"""Finds the first rule that a flow matches, without looking at the others.

Rules that demand values of the same columns share a hash table, from those values to the rules'
positions: a lookup costs one probe a table, however many rules there are. What no hash answers
(negations, filters) is tested on the rules that a probe has found. A rule with a choice of values
stands in a table once for each.
"""

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from collector.nfacctd.maps.columns import Column, Flow
from collector.nfacctd.maps.conditions import Condition, Equals, OneOf, Test

_Bucket = int | list[int]  # position of the only rule, or of several, rising


class _Shape(NamedTuple):
    """Columns that a table's keys are made of, as numbers."""

    single: tuple[int, ...]
    many: int | None  # at most one column with several values


class RuleIndex:
    """Positions of rules by what they demand; all are added, in order, before the first search."""

    def __init__(self) -> None:
        self._columns: list[Column] = []
        self._numbers: dict[Column, int] = {}
        self._tables: dict[_Shape, dict[Hashable, _Bucket]] = {}
        self._lowest: dict[_Shape, int] = {}  # in order of that position: rules come in order
        self._tests: dict[int, tuple[Test, ...]] = {}
        self._keys: set[str] = set()
        self._rules = 0

    def __len__(self) -> int:
        return self._rules

    @property
    def keys(self) -> frozenset[str]:
        """Return the properties of flows that rules look at."""
        return frozenset(self._keys)

    def add(self, conditions: Iterable[Condition]) -> int:
        """Add the next rule, which matches where all conditions hold; returns its position."""
        position = self._rules
        self._rules += 1
        single: list[tuple[int, Hashable]] = []
        choice: Sequence[tuple[int, Hashable]] = ()  # one of these as well
        tests: list[Test] = []
        for condition in conditions:
            if type(condition) is Equals and not condition.column.many:
                single.append((self._number(condition.column), condition.value))
            elif not choice and (found := self._choice(condition)):
                choice = found
            else:
                tests.append(condition)
                self._keys |= condition.keys
        if tests:
            self._tests[position] = tuple(tests)
        if len(single) > 1:
            single.sort(key=_column_number)
        columns = tuple([column for column, _ in single])
        values = tuple([value for _, value in single])
        if not choice:
            self._insert(_Shape(columns, None), _key(values), position)
        for column, value in choice:
            self._insert(_Shape(columns, column), (values, value), position)
        return position

    def first(self, flow: Flow, start: int = 0) -> int | None:
        """Return the lowest position, from ``start`` on, of a rule that a flow matches."""
        best = self._rules
        known: dict[int, object] = {}
        for shape, lowest in self._lowest.items():
            if lowest >= best:
                break
            for bucket in self._probe(shape, flow, known):
                best = self._lower(bucket, start, best, flow)
        return best if best < self._rules else None

    def _probe(self, shape: _Shape, flow: Flow, known: dict[int, object]) -> Sequence[_Bucket]:
        """Look a flow up in one table; ``known`` are its columns that were read before."""
        values = []
        for column in shape.single:
            if column not in known:
                known[column] = self._columns[column].read(flow)
            value = known[column]
            if value is None:
                return ()
            values.append(value)
        table = self._tables[shape]
        if shape.many is None:
            bucket = table.get(_key(tuple(values)))
            return () if bucket is None else (bucket,)
        if shape.many not in known:
            known[shape.many] = self._columns[shape.many].read(flow)
        single = tuple(values)
        found = [table.get((single, value)) for value in known[shape.many]]
        return [bucket for bucket in found if bucket is not None]

    def _lower(self, bucket: _Bucket, start: int, best: int, flow: Flow) -> int:
        """Return the lowest position of a bucket that is below ``best`` and holds, or ``best``."""
        if bucket.__class__ is int:
            return bucket if start <= bucket < best and self._holds(bucket, flow) else best
        for at in range(bisect_left(bucket, start), len(bucket)):
            position = bucket[at]
            if position >= best:
                break
            if self._holds(position, flow):
                return position
        return best

    def _holds(self, position: int, flow: Flow) -> bool:
        tests = self._tests.get(position)
        return tests is None or all(test.holds(flow) for test in tests)

    def _number(self, column: Column) -> int:
        number = self._numbers.get(column)
        if number is None:
            number = self._numbers[column] = len(self._columns)
            self._columns.append(column)
            self._keys.add(column.property)
        return number

    def _choice(self, condition: Condition) -> Sequence[tuple[int, Hashable]]:
        """Return the columns and values of which one is demanded; nothing: no table can tell."""
        if type(condition) is Equals:
            return ((self._number(condition.column), condition.value),)
        if type(condition) is not OneOf:
            return ()
        choices = condition.conditions
        if not all(type(choice) is Equals and choice.column.many for choice in choices):
            return ()
        return [(self._number(choice.column), choice.value) for choice in choices]

    def _insert(self, shape: _Shape, key: Hashable, position: int) -> None:
        table = self._tables.get(shape)
        if table is None:
            table = self._tables[shape] = {}
            self._lowest[shape] = position
        bucket = table.setdefault(key, position)
        if bucket.__class__ is list:
            if bucket[-1] != position:
                bucket.append(position)
        elif bucket != position:
            table[key] = [bucket, position]


def _column_number(entry: tuple[int, Hashable]) -> int:
    return entry[0]


def _key(values: tuple[Hashable, ...]) -> Hashable:
    """Spare a table of one column the tuples."""
    return values[0] if len(values) == 1 else values
