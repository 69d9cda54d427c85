"""Avro octets of routes by pieces: those that fastavro writes."""

import io
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.nfacctd.bmp.record import ROUTE_DUMP, ROUTE_LOG
from collector.nfacctd.outputs.avro_routes import RouteRecords
from collector.nfacctd.outputs.avro_schemas import Schema, bmp_schemas
from collector.nfacctd.settings import BmpDump, BmpOutput, BmpSettings, Settings

_OUTPUT = BmpOutput(output="avro", file="x")
_DUMP = BmpOutput(output="avro", file="y")


def _schemas() -> list[Schema]:
    bmp = BmpSettings(
        enabled=True, msglog=_OUTPUT, dump=BmpDump(target=_DUMP, refresh_s=60), tag_map="x"
    )
    found = []
    for arrays in (False, True):
        settings = Settings(
            bmp=bmp,
            as_path_encode_as_array=arrays,
            bgp_comms_encode_as_array=arrays,
            pre_tag_label_encode_as_map=arrays,
        )
        found.append(bmp_schemas(bmp, _OUTPUT, settings)[ROUTE_LOG])
        found.append(bmp_schemas(bmp, _DUMP, settings)[ROUTE_DUMP])
    return found


SCHEMAS = _schemas()
_LONG = st.integers(-(1 << 63), (1 << 63) - 1)
_INT = st.integers(-(1 << 31), (1 << 31) - 1)
_VALUES = {"string": st.text(), "long": _LONG, "int": _INT, "null": st.none()}


def _values(type_: Any) -> st.SearchStrategy:
    if isinstance(type_, list):
        return st.one_of(*map(_values, type_))
    if isinstance(type_, dict):
        items = st.lists(st.text(), max_size=3)
        return items if type_["type"] == "array" else st.dictionaries(st.text(), st.text())
    return _VALUES[type_]


_RECORDS = st.sampled_from(range(len(SCHEMAS))).flatmap(
    lambda number: st.tuples(
        st.just(number),
        st.lists(
            st.fixed_dictionaries(
                {field["name"]: _values(field["type"]) for field in SCHEMAS[number]["fields"]}
            ),
            min_size=1,
            max_size=3,
        ),
    )
)
_WRITERS = [RouteRecords(schema) for schema in SCHEMAS]


@given(_RECORDS)
def test_octets_are_fastavros(records: tuple[int, list[dict[str, Any]]]) -> None:
    number, written = records
    for record in written:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, fastavro.parse_schema(SCHEMAS[number]), record)
        assert _WRITERS[number].binary(record) == out.getvalue()


@pytest.mark.parametrize("wrong", [{"seq": "1"}, {"seq": None}, {"seq": 1 << 63}, {"afi": "x"}])
def test_what_is_not_as_the_schema_says_is_refused(wrong: dict[str, Any]) -> None:
    good = {field["name"]: None for field in SCHEMAS[0]["fields"]}
    good |= {name: "" for name in good if _is(name, "string")}
    good |= {name: 1 for name in good if _is(name, "int") or _is(name, "long")}
    _WRITERS[0].binary(good)
    with pytest.raises((TypeError, OverflowError, AttributeError)):
        _WRITERS[0].binary(good | wrong)


def _is(name: str, type_: str) -> bool:
    return any(field == {"name": name, "type": type_} for field in SCHEMAS[0]["fields"])
