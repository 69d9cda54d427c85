"""aggregate_primitives: information elements that the operator adds to `aggregate` (2.10)."""

from dataclasses import dataclass

from collector.nfacctd.maps.syntax import Mistakes, Row, read_rows, split_token, tokens_of
from collector.nfacctd.maps.values import number

_MAX_PRIMITIVES = 64
_MAX_NAME = 63
_MAX_OCTETS = 65_534  # 65535 is the variable length of RFC 7011 section 7
_ANY_LENGTH = range(1, _MAX_OCTETS + 1)
_LENGTHS = {
    "u_int": (1, 2, 4, 8),
    "hex": (1, 2, 4, 8),
    "ip": (4, 16),
    "mac": (6,),
    "str": _ANY_LENGTH,
    "raw": _ANY_LENGTH,
}
_VARIABLE = ("str", "raw")
_KEYS = ("name", "field_type", "len", "semantics")


@dataclass(frozen=True, slots=True)
class CustomPrimitive:
    """One information element of the operator's choice."""

    name: str  # lower case
    pen: int
    id: int | None  # None: only told by packet_ptr, which flows have not; its value is always zero
    length: int | None  # octets; None: variable
    semantics: str  # "u_int", "hex", "ip", "mac", "str", "raw"
    occurrence: int = 0  # a field told again by a later primitive is the record's next one of it


def load_custom_primitives(path: str) -> tuple[CustomPrimitive, ...]:
    """Read the file, in its order. It is not reloaded: records keep their shape.

    Raises:
        MapError: all its mistakes.
    """
    mistakes = Mistakes(path)
    primitives: list[CustomPrimitive] = []
    for row in read_rows(path):
        try:
            primitive = _read(row, primitives)
        except ValueError as error:
            mistakes.add(row.line, str(error))
            continue
        primitives.append(primitive)
        if len(primitives) == _MAX_PRIMITIVES + 1:
            mistakes.add(row.line, f"more than {_MAX_PRIMITIVES} primitives")
    mistakes.raise_any()
    return tuple(primitives)


def _read(row: Row, earlier: list[CustomPrimitive]) -> CustomPrimitive:
    settings: dict[str, str] = {}
    has_pointer = False
    for token in tokens_of(row.text):
        key, value = split_token(token)
        if key == "packet_ptr":  # the only key that may come again
            has_pointer = True
        elif key not in _KEYS:
            raise ValueError(f"unknown key {key!r}")
        elif settings.setdefault(key, value) is not value:
            raise ValueError(f"{key!r} comes twice")
    for key in _KEYS:
        if key not in settings and not (key == "field_type" and has_pointer):
            raise ValueError(f"{key!r} is missing")
    name = _name(settings["name"], earlier)
    semantics, length = _form(settings["semantics"], settings["len"])
    pen, element = _field(settings["field_type"]) if "field_type" in settings else (0, None)
    occurrence = sum(1 for other in earlier if element and (other.pen, other.id) == (pen, element))
    return CustomPrimitive(name, pen, element, length, semantics, occurrence)


def _name(text: str, earlier: list[CustomPrimitive]) -> str:
    name = text.lower()
    if len(name) > _MAX_NAME:
        raise ValueError(f"name: longer than {_MAX_NAME} characters")
    if any(other.name == name for other in earlier):
        raise ValueError(f"name: {name!r} is there already")
    return name


def _field(text: str) -> tuple[int, int]:
    pen, colon, element = text.rpartition(":")
    try:
        return number(pen, 0xFFFF_FFFF) if colon else 0, number(element, 0xFFFF, 1)
    except ValueError as error:
        raise ValueError(f"field_type: {error}") from error


def _form(semantics: str, length: str) -> tuple[str, int | None]:
    if semantics not in _LENGTHS:
        raise ValueError(f"semantics: {semantics!r} is none of {', '.join(_LENGTHS)}")
    if length == "vlen":
        if semantics not in _VARIABLE:
            raise ValueError(f"len: vlen is for {' and '.join(_VARIABLE)}, not for {semantics}")
        return semantics, None
    try:
        octets = number(length, _MAX_OCTETS, 1)
    except ValueError as error:
        raise ValueError(f"len: {error}") from error
    allowed = _LENGTHS[semantics]
    if octets not in allowed:
        raise ValueError(f"len: {semantics} has {_listed(allowed)} octets, not {octets}")
    return semantics, octets


def _listed(lengths: tuple[int, ...] | range) -> str:
    return " or ".join(str(length) for length in lengths)
