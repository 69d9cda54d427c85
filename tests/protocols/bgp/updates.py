"""UPDATEs as speakers send them, and as none should: for tests that read them in two ways."""

from hypothesis import strategies as st

from tests.protocols.bgp.wire import attribute, mp_reach, mp_unreach, segment, update

_numbers = st.integers(0, 2**32 - 1)
_kinds = st.sampled_from((2, 2, 2, 2, 2, 1, 3, 4))
_ases = st.lists(_numbers, min_size=1, max_size=4)
_segments = st.lists(st.tuples(_kinds, _ases), min_size=1, max_size=2).map(
    lambda path: b"".join(segment(*each) for each in path)
)


def _one(code: int, flags: int, values: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.tuples(values, st.sampled_from((0, 0, 0x10))).map(
        lambda pair: attribute(code, pair[0], flags | pair[1])
    )


def _octets(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


_four = _octets(4)
_good = st.one_of(
    _one(1, 0x40, st.sampled_from((b"\0", b"\1", b"\2"))),
    _one(2, 0x40, st.one_of(_segments, st.just(b""))),
    _one(4, 0x80, _four),
    _one(5, 0x40, _four),
    _one(6, 0x40, st.just(b"")),
    _one(7, 0xC0, _octets(8)),
    _one(8, 0xC0, st.integers(1, 70).flatmap(lambda count: _octets(4 * count))),
    _one(9, 0x80, _four),
    _one(10, 0x80, _octets(8)),
    _one(16, 0xC0, _octets(16)),
    _one(26, 0x80, st.just(b"\1\0\x0b" + bytes(8))),
    _one(32, 0xC0, _octets(24)),
    _one(35, 0xC0, _four),
    _one(40, 0xC0, st.binary(max_size=9)),
    _one(99, 0xC0, st.binary(max_size=300)),
)
_any = st.tuples(
    st.sampled_from((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 26, 32, 35, 40, 63, 200)),
    st.integers(0, 255),
    st.one_of(st.binary(max_size=13), st.sampled_from((bytes(256), bytes(264), bytes(300)))),
).map(lambda each: attribute(each[0], each[2], each[1]))

usual_path = st.tuples(_one(1, 0x40, st.just(b"\0")), _one(2, 0x40, _segments)).map(b"".join)
attribute_sets = st.one_of(
    st.lists(_good, max_size=5, unique_by=lambda octets: octets[1]).map(b"".join),
    st.lists(st.one_of(_good, _good, _any), max_size=6).map(b"".join),
    st.tuples(st.lists(_good, max_size=2), st.binary(max_size=5)).map(
        lambda pair: b"".join(pair[0]) + pair[1]
    ),
)
"""Well formed and plain, malformed, cut short."""


def _prefix(most: int) -> st.SearchStrategy[bytes]:
    return st.integers(0, most).flatmap(
        lambda bits: _octets((bits + 7) // 8).map(lambda octets: bytes((bits,)) + octets)
    )


def fields(most: int) -> st.SearchStrategy[bytes]:
    """NLRI of addresses with so many bits; some cannot be cut."""
    good = st.lists(_prefix(most), max_size=9).map(b"".join)
    return st.one_of(good, good, good, st.binary(max_size=12))


_HOP = attribute(3, bytes((192, 0, 2, 1)))
_hops = st.sampled_from((_HOP, _HOP, _HOP, b"", _HOP + _HOP, attribute(3, bytes(4), 0x50)))


def _mp(six: bool) -> st.SearchStrategy[bytes]:
    afi, nlri = (2, fields(128)) if six else (1, fields(32))
    safi = st.sampled_from((1, 1, 1, 2, 4, 128))
    hop = st.sampled_from((bytes(range(16)), bytes(range(32)), bytes(4), b""))
    return st.one_of(
        st.tuples(safi, hop, nlri).map(lambda each: mp_reach(afi, *each)),
        st.tuples(safi, nlri).map(lambda each: mp_unreach(afi, *each)),
    )


_bodies = st.one_of(
    st.tuples(usual_path, _hops, attribute_sets, fields(32)).map(
        lambda each: update(each[0] + each[1] + each[2], each[3])
    ),
    st.tuples(attribute_sets, _hops, fields(32)).map(
        lambda each: update(each[0] + each[1], each[2])
    ),
    fields(32).map(lambda field: update(withdrawn=field)),
    st.tuples(attribute_sets, st.booleans().flatmap(_mp), attribute_sets).map(
        lambda each: update(b"".join(each))
    ),
    st.booleans().flatmap(_mp).map(update),
    st.lists(st.booleans().flatmap(_mp), max_size=3).map(lambda some: update(b"".join(some))),
    st.tuples(attribute_sets, fields(32), fields(32)).map(lambda each: update(*each)),
    st.binary(max_size=60),
)


def _spoilt(each: tuple[bytes, int, int]) -> bytes:
    body, at, value = each
    if not body:
        return body
    at %= len(body)
    return body[:at] + bytes((value,)) + body[at + 1 :]


bodies = st.one_of(
    _bodies,
    _bodies,
    st.tuples(_bodies, st.integers(0, 400), st.integers(0, 255)).map(_spoilt),
    _bodies.map(lambda body: body[:-1]),
)
"""Bodies of UPDATEs."""
