"""The index finds what trying every rule finds: on any map, with jumps, stacks and counters."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.nfacctd.maps.pre_tag_map import PreTagMap
from tests.nfacctd.maps import linear
from tests.nfacctd.maps.map_files import write_map


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(linear.maps(), st.lists(linear.flows, min_size=1, max_size=12))
def test_index_agrees_with_trying_every_rule(
    tmp_path: Path, table: list[linear.Rule], flows: list[dict[str, object]]
) -> None:
    indexed = PreTagMap.load(write_map(tmp_path, *map(linear.rendered, table)))
    grown: dict[int, int] = {}
    for flow in flows:
        assert indexed.evaluate(flow) == linear.evaluate(table, flow, grown)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(linear.maps(), linear.flows)
def test_keys_are_all_that_is_looked_at(
    tmp_path: Path, table: list[linear.Rule], flow: dict[str, object]
) -> None:
    path = write_map(tmp_path, *map(linear.rendered, table))
    keys = PreTagMap.load(path).keys
    seen = {key: value for key, value in flow.items() if key in keys}
    assert PreTagMap.load(path).evaluate(seen) == PreTagMap.load(path).evaluate(flow)
