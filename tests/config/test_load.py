import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.config.document import LISTS, TABLES, from_document, to_document
from collector.config.load import default_config, load_document, load_file, load_text
from collector.config.model import Config, DeviceTable, ListenTable, OutputTable, PublishTable
from collector.config.schema import schema
from collector.errors import ConfigError
from tests.config.documents import KAFKA, load, mistakes_of

_BOTH = (ListenTable("flow", port=4739), ListenTable("bmp", port=1790))
_AGGREGATE = '[[aggregate]]\nname = "by-as"\nkeys = ["device", "destinationOriginAs"]\n'


def test_without_a_file_it_listens_on_both_ports_and_prints_everything() -> None:
    config = default_config()
    assert config.listen == _BOTH
    assert config.output == (OutputTable("stdout", "stdout"),)
    assert config.publish == (PublishTable("flow", "stdout"), PublishTable("bmp", "stdout"))
    assert load("") == config


def test_aggregates_are_published_in_place_of_flows_to_all_outputs() -> None:
    config = load(_AGGREGATE + KAFKA + '[[output]]\nname = "print"\ntype = "stdout"')
    assert [(entry.records, entry.output) for entry in config.publish] == [
        *(("by-as", "kafka"), ("bmp", "kafka")),
        *(("by-as", "print"), ("bmp", "print")),
    ]


def test_values_are_made_canonical() -> None:
    config = load(
        """
        [steering]
        allow = ["192.0.2.7", "2001:DB8:0::/32"]
        buckets = { 17 = 0 }
        [[listen]]
        kind = "flow"
        address = "::ffff:192.0.2.9"
        receive_buffer_octets = "1 MiB"
        [[device]]
        addresses = ["::ffff:192.0.2.1", "2001:DB8:0:0::1"]
        [[device]]
        addresses = ["192.0.2.2"]
        rib_of = "2001:db8::1"
        [[rd]]
        rd = "0.1.0.0:007"
        device = "2001:db8::1"
        """
    )
    assert config.steering.allow == ("192.0.2.7/32", "2001:db8::/32")
    assert config.steering.buckets == {17: 0}
    assert config.listen == (ListenTable("flow", "192.0.2.9", 4739, 1 << 20),)
    # References name a device by its first address, whatever the operator took.
    assert config.device[0].addresses == ("192.0.2.1", "2001:db8::1")
    assert config.device[1] == DeviceTable(("192.0.2.2",), rib_of="192.0.2.1")
    assert (config.rd[0].rd, config.rd[0].device) == ("0.1.0.0:7", "192.0.2.1")


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text("pen,id,name,type\n64512,1,queueDepth,unsigned32\n")
    file = tmp_path / "collector.toml"
    file.write_text(
        """
        [flow]
        element_files = ["more.csv"]
        elements = ["64512:queueDepth"]
        [[aggregate]]
        name = "queues"
        keys = ["device", "64512:queueDepth_2"]
        sums = ["64512:queueDepth", "octetsRenormalised"]
        [[output]]
        name = "disk"
        type = "file"
        path = "out/{topic}.json"
        """
    )
    config = load_file(file)
    assert config.flow.element_files == (str(tmp_path / "more.csv"),)
    assert config.output[0].path == str(tmp_path / "out/{topic}.json")
    assert not (tmp_path / "out").exists()


def test_the_command_line_goes_before_the_file() -> None:
    text = "[collector]\nworkers = 3\n[steering.buckets]\n5 = 2\n" + KAFKA
    config = load(text, workers=4, log_level="debug", output="stdout")
    assert (config.collector.workers, config.collector.log_level) == (4, "debug")
    assert config.output == (OutputTable("stdout", "stdout"),)
    assert {entry.output for entry in config.publish} == {"stdout"}
    assert mistakes_of(text, workers=2, output="nowhere") == [
        "[steering] buckets.5 = 2: is not one of the 2 workers, which count from 0",
        '--output nowhere: must be "kafka://HOST:PORT[,HOST:PORT]/PREFIX", "file:PATH" or "stdout"',
    ]


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    for name in ("none.toml", "."):
        with pytest.raises(ConfigError, match=str(tmp_path)):
            load_file(tmp_path / name)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[collector", id="syntax"),
        pytest.param("a = " + "[" * 20_000, id="nesting"),
        pytest.param("a = 1" + "0" * 10_000, id="digits"),
        pytest.param("a = 1\na = 2", id="twice"),
    ],
)
def test_what_is_no_toml_is_one_mistake(text: str) -> None:
    assert len(mistakes_of(text)) == 1


def test_a_configuration_survives_the_way_to_a_worker() -> None:
    text = _AGGREGATE + KAFKA + '[steering.buckets]\n7 = 0\n[[device]]\naddresses = ["192.0.2.1"]'
    config = load(text)
    assert from_document(to_document(config)) == config


def test_the_supervisor_needs_neither_numpy_nor_polars_for_it() -> None:
    code = (
        "import sys; from pathlib import Path; from collector.config.load import load_text;"
        f"load_text({_AGGREGATE + KAFKA!r}, Path('/'));"
        "sys.exit(not {'numpy', 'polars'}.isdisjoint(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=30, check=False).returncode == 0


_WORDS = (
    *("flow", "bmp", "kafka", "stdout", "file", "::", "192.0.2.1", "10.0.0.0/8", "64512:1"),
    *("loc-rib", "device", "octets", "tls", "sasl_tls", "a:1", "64 MiB", "arrow", "\0", ""),
)
# Documents near to valid ones: known tables and keys, and values that some key accepts.
_VALUES = st.recursive(
    st.one_of(
        st.sampled_from(_WORDS),
        st.text(max_size=8),
        st.integers(-2, 1 << 70),
        st.booleans(),
        st.floats(),
        st.datetimes(),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
_KEYS = {name: sorted(keys) for name, keys in schema(Path("/nonexistent")).items()}
# Conditions are polars' to judge, in a test of their own.
_KEYS["publish"].remove("filter")


def _table(name: str) -> st.SearchStrategy[object]:
    table = st.dictionaries(st.sampled_from([*_KEYS[name], "nonsense"]), _VALUES, max_size=6)
    return st.lists(table, max_size=3) if name in LISTS else table


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: _table(name) | _VALUES for name in (*TABLES, *LISTS, "nonsense") if name in _KEYS
        },
    )
)
def test_any_document_is_a_configuration_or_a_list_of_mistakes(document: dict) -> None:
    try:
        config = load_document(document, Path("/nonexistent"))
    except ConfigError as error:
        assert error.mistakes
        assert all(line.isprintable() for line in error.mistakes)
    else:
        assert isinstance(config, Config)


@given(st.text(max_size=200))
def test_any_text_is_a_configuration_or_a_list_of_mistakes(text: str) -> None:
    try:
        load_text(text, Path("/nonexistent"))
    except ConfigError as error:
        assert error.mistakes
