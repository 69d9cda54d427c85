"""Route distinguishers in nfacctd's notation, type first (reference 1.5, RFC 4364 section 4.2)."""

from collector.nfacctd.maps.values import address, number

_U16, _U32 = 0xFFFF, 0xFFFF_FFFF


def rd_text(text: str) -> str:
    """Write a route distinguisher as records have it: "0:64512:1", "1:192.0.2.1:1", "2:65536:1".

    Args:
        text: the same, or without its type, which the administrator then tells: an address is of
            type 1, an AS number that fits in 16 bits of type 0, else of type 2.

    Raises:
        ValueError: it is none.
    """
    parts = text.split(":")
    if len(parts) not in (2, 3):
        raise ValueError(f"{text!r} is no route distinguisher: TYPE:ADMINISTRATOR:NUMBER")
    try:
        kind = number(parts[0], 2) if len(parts) == 3 else _kind(parts[-2])
        return f"{kind}:{_administrator(kind, parts[-2])}:{_number(kind, parts[-1])}"
    except ValueError as error:
        raise ValueError(f"{text!r} is no route distinguisher: {error}") from error


def _kind(administrator: str) -> int:
    if "." in administrator:
        return 1
    return 0 if number(administrator, _U32) <= _U16 else 2


def _administrator(kind: int, text: str) -> str | int:
    if kind == 1:
        return address(text)
    return number(text, _U16 if kind == 0 else _U32)


def _number(kind: int, text: str) -> int:
    return number(text, _U32 if kind == 0 else _U16)
