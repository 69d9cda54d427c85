"""A configuration becomes settings with nfacctd's defaults, or all of its mistakes at once."""

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.errors import ConfigError
from collector.nfacctd.check_files import check_maps
from collector.nfacctd.keys_elsewhere import KEYS
from collector.nfacctd.read_settings import Reading, read_file, read_text
from collector.nfacctd.settings import (
    BmpDump,
    BmpOutput,
    BmpSettings,
    History,
    KafkaSettings,
    LabelTerm,
    Networks,
    Plugin,
    Preprocess,
    PrintSettings,
    Settings,
    TagRange,
    Timestamps,
    from_document,
    to_document,
)

_EVERYTHING = """\
plugins: kafka[a], print[b]
core_proc_name: core
writer_id_string: $proc_name
timestamps_since_epoch: true
timestamps_since_epoch[b]: false
timestamps_utc[b]: true
nfacctd_ip: 192.0.2.1
nfacctd_port: 2055
nfacctd_pipe_size: 4096000
nfacctd_renormalize: true
nfacctd_as: fallback
nfacctd_net: bgp
bgp_peer_src_as_type: bgp
bgp_src_std_comm_type: bgp
bgp_stdcomm_pattern: 64512:1.., 64513
networks_mask: 24
aggregate[a]: SRC_HOST, dst_host,tag , none
aggregate[b]: none
pre_tag_filter[a]: 1,-5-7,0
pre_tag_label_filter[a]: x,-y,null
kafka_topic[a]: flows
kafka_broker_host[a]: k1:1000,k2
kafka_partition[a]: 0
kafka_multi_values[a]: 1000
kafka_output[a]: avro
avro_buffer_size[a]: 100
kafka_refresh_time[a]: 10
kafka_history[a]: 5m
kafka_history_roundoff[a]: mh
kafka_history_offset[a]: 30
kafka_preprocess[a]: minb=10, minp=2
kafka_preprocess_type: all
kafka_markers: true
post_tag: 7
nfacctd_pro_rating[a]: true
nfacctd_stitching[b]: true
print_output[b]: csv
print_output_file[b]: /tmp/%Y/x
print_output_file_append[b]: true
print_output_separator[b]: \\t
bmp_daemon: true
bmp_daemon_port: 11019
bmp_daemon_max_peers: 5
bmp_daemon_set_pd: true
bmp_table_per_peer_hash: mpls_vpn_rd
bmp_table_per_peer_buckets: 30
bmp_daemon_msglog_file: /tmp/log
bmp_daemon_msglog_label_filter: x, null
bmp_dump_kafka_topic: dumps
bmp_dump_kafka_partition_key: $bmp_router
bmp_dump_refresh_time: 60
bmp_dump_output: avro
bmp_dump_time_slots: 6
"""


def _read(text: str, *, lenient: bool = False) -> Reading:
    return read_text(text, "x.conf", lenient=lenient)


def _mistakes(text: str, *, lenient: bool = False) -> list[str]:
    with pytest.raises(ConfigError) as told:
        _read(text, lenient=lenient)
    return told.value.mistakes


def test_everything_has_its_place() -> None:
    found = _read(_EVERYTHING).settings
    kafka, printed = found.plugins
    epoch = Timestamps(since_epoch=True)
    assert found == Settings(
        core_proc_name="core",
        plugins=(kafka, printed),
        ip="192.0.2.1",
        port=2055,
        pipe_size=4_096_000,
        timestamps=epoch,
        writer_id_string="$proc_name",
        renormalize=True,
        networks=Networks(mask=24),
        as_source="longest",
        net_source="bmp",
        peer_src_as_type="bgp",
        src_std_comm_from_bgp=True,
        stdcomm_pattern=("64512:1..", "64513"),
        bmp=found.bmp,
    )
    assert kafka.kafka is not None
    assert kafka == Plugin(
        name="a",
        type="kafka",
        aggregate=("src_host", "dst_host", "tag"),
        output="avro",
        kafka=KafkaSettings(
            connection=kafka.kafka.connection, topic="flows", partition=0, multi_values=1000
        ),
        refresh_s=10,
        history=History(count=5, unit="m", roundoff="mh", offset_s=30),
        preprocess=Preprocess(minb=10, minp=2, match_all=True),
        markers=True,
        pre_tag_filter=(TagRange(1, 1), TagRange(5, 7, negated=True), TagRange(0, 0)),
        pre_tag_label_filter=(LabelTerm("x"), LabelTerm("y", negated=True), LabelTerm("")),
        post_tag=7,
        pro_rating=True,
        timestamps=epoch,
        writer_id_string="$proc_name",
        avro_buffer_octets=100,
    )
    assert kafka.kafka.connection.brokers == ("k1:1000", "k2:9092")
    assert printed == Plugin(
        name="b",
        type="print",
        aggregate=(),
        output="csv",
        print=PrintSettings(file="/tmp/%Y/x", append=True, separator="\t"),
        markers=True,
        post_tag=7,
        stitching=True,
        timestamps=Timestamps(utc=True),
        writer_id_string="$proc_name",
    )
    dump = found.bmp.dump
    assert dump is not None
    assert dump.target.kafka is not None
    assert found.bmp == BmpSettings(
        enabled=True,
        port=11_019,
        msglog=BmpOutput(file="/tmp/log"),
        msglog_label_filter=("x", ""),
        dump=BmpDump(
            target=BmpOutput(
                output="avro",
                kafka=KafkaSettings(
                    topic="dumps", partition_key="$bmp_router", partition_dynamic=True
                ),
            ),
            refresh_s=60,
            time_slots=6,
        ),
        set_pd=True,
        table_per_peer_hash="mpls_vpn_rd",
        table_per_peer_buckets=30,
    )


def test_settings_travel_as_plain_values() -> None:
    value = _read(_EVERYTHING).settings
    assert from_document(msgpack.unpackb(msgpack.packb(to_document(value)))) == value


def test_an_empty_file_has_nfacctds_defaults() -> None:
    assert _read("").settings == Settings()
    plugin = Plugin(name="default_kafka", type="kafka", kafka=KafkaSettings())
    assert _read("plugins: kafka").settings == Settings(plugins=(plugin,))
    printed = Plugin(name="x", type="print", output="formatted", print=PrintSettings())
    assert _read("plugins: print[x]").settings == Settings(plugins=(printed,))


@pytest.mark.parametrize(
    ("text", "length_s"),
    [("90", 90), ("10s", 10), ("2m", 120), ("1h", 3600), ("1d", 86_400), ("1w", 604_800)],
)
def test_bins_have_units(text: str, length_s: int) -> None:
    (plugin,) = _read(f"plugins: kafka[a]\nprint_history: {text}").settings.plugins
    assert plugin.history is not None
    assert plugin.history.length_s == length_s


def test_months_have_no_length() -> None:
    (plugin,) = _read("plugins: kafka[a]\nkafka_history: 1M").settings.plugins
    assert plugin.history == History(count=1, unit="M")
    assert plugin.history.length_s is None


@pytest.mark.parametrize(
    ("length", "most"), [("1m", 59), ("2h", 7199), ("1d", 86_399), ("2M", 2 * 31 * 86_400 - 1)]
)
def test_bins_are_not_moved_by_a_whole_bin(length: str, most: int) -> None:
    text = f"plugins: kafka[a]\nkafka_history: {length}\nkafka_history_offset: "
    (plugin,) = _read(f"{text}{most}").settings.plugins
    assert plugin.history is not None
    assert plugin.history.offset_s == most
    with pytest.raises(ConfigError, match=r"x\.conf:3: kafka_history_offset: must be less"):
        _read(f"{text}{most + 1}")


@pytest.mark.parametrize(
    "text", ["kafka_history_roundoff: m", "kafka_history: 1m\nnfacctd_time_new: true"]
)
def test_pro_rating_needs_bins_by_start(text: str) -> None:
    (plugin,) = _read(f"plugins: kafka[a]\nnfacctd_pro_rating: true\n{text}").settings.plugins
    assert not plugin.pro_rating


@pytest.mark.parametrize(
    ("host", "port", "brokers", "tls"),
    [
        ("k1", None, "k1:9092", False),
        ("k1", 1000, "k1:1000", False),
        ("k1:2000", 1000, "k1:2000", False),
        ("k1,k2:2000", 1000, "k1:9092,k2:2000", False),
        ("2001:db8::1", 1000, "[2001:db8::1]:1000", False),
        ("[2001:db8::1]:2000,k1", None, "[2001:db8::1]:2000,k1:9092", False),
        ("ssl://k1:2000", None, "k1:2000", True),
    ],
)
def test_brokers(host: str, port: int | None, brokers: str, tls: bool) -> None:
    text = f"plugins: kafka[a]\nkafka_broker_host: {host}\n"
    text += f"kafka_broker_port: {port}\n" if port else ""
    (plugin,) = _read(text).settings.plugins
    assert plugin.kafka is not None
    connection = plugin.kafka.connection
    assert (connection.brokers, connection.tls) == (tuple(brokers.split(",")), tls)


@pytest.mark.parametrize("host", ["k1:x", "k1:0", "k1:99999", "[k1", "a b", ","])
def test_a_broker_that_is_none_is_refused(host: str) -> None:
    (mistake,) = _mistakes(f"plugins: kafka[a]\nkafka_broker_host: {host}")
    assert mistake.startswith("x.conf:2: kafka_broker_host: ")


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("aggregate[a]: src_host, bogus", 2, "no such primitive: bogus"),
        ("aggregate[a]: src_host, SRC_HOST", 2, "src_host: is there twice"),
        ("nfacctd_pro_rating: true\nnfacctd_stitching: true", 2, "nfacctd_stitching"),
        ("kafka_topic: x_$tag\nkafka_multi_values: 9", 3, "variables"),
        ("kafka_topic: x_$tag\nkafka_topic_rr: 2", 3, "variables"),
        (
            "kafka_topic: x_$tag\nkafka_output: avro\nkafka_avro_schema_registry: http://r",
            4,
            "variables",
        ),
        ("kafka_output: avro_json\nkafka_avro_schema_registry: http://r", 3, "avro_json"),
        ("kafka_partition_dynamic: true", 2, "needs a partition_key"),
        (
            "bmp_daemon: true\nbmp_daemon_msglog_file: x\nbmp_daemon_msglog_kafka_topic: y",
            3,
            "cannot be together",
        ),
        (
            "bmp_daemon: true\nbmp_dump_refresh_time: 60\nbmp_dump_file: x\n"
            "bmp_dump_kafka_topic: y",
            4,
            "cannot be together",
        ),
        (
            "bmp_daemon: true\nbmp_daemon_msglog_kafka_topic: y\n"
            "bmp_daemon_msglog_output: avro_json\n"
            "bmp_daemon_msglog_kafka_avro_schema_registry: http://r",
            5,
            "avro_json",
        ),
        ("nfacctd_allow_file: /nonexistent", 2, "no such file"),
    ],
)
def test_what_nfacctd_ends_at_is_a_mistake_also_when_lenient(
    text: str, line: int, reason: str
) -> None:
    (mistake,) = _mistakes(f"plugins: kafka[a]\n{text}", lenient=True)
    assert mistake.startswith(f"x.conf:{line}: ")
    assert reason in mistake


def test_all_mistakes_come_at_once_by_line() -> None:
    text = "plugins: kafka[a], amqp[b]\nnfacctd_port: x\nno colon\naggregate: bogus\nunknown: 1\n"
    assert [told.split(":")[1] for told in _mistakes(text)] == ["1", "2", "3", "4"]
    assert [told.split(":")[1] for told in _mistakes(text, lenient=True)] == ["3", "4"]


def test_lenient_starts_with_what_is_left() -> None:
    text = (
        "plugins: kafka[a], amqp[b]\nnfacctd_port: 99999\nnfacctd_net: igp\n"
        "aggregate: src_host, sum_as\nbgp_daemon: true\n"
    )
    reading = _read(text, lenient=True)
    assert len(reading.refused) == 5
    assert reading.refused == tuple(_mistakes(text))
    assert (reading.settings.port, reading.settings.net_source) == (2100, "netflow")
    (plugin,) = reading.settings.plugins
    assert (plugin.name, plugin.aggregate) == ("a", ("src_host",))


def test_custom_primitives_are_known_by_their_file(tmp_path) -> None:
    path = tmp_path / "primitives"
    path.write_text("name=Own field_type=5 len=1 semantics=u_int\n")
    text = f"plugins: kafka[a]\naggregate: own, other\naggregate_primitives: {path}\n"
    (mistake,) = _mistakes(text)
    assert mistake == "x.conf:2: aggregate: no such primitive: other"
    path.write_text("name=Own bogus\n")
    (mistake,) = _mistakes(text)
    assert mistake.startswith(f"{path}:1: ")


def test_allowed_senders_are_read(tmp_path) -> None:
    path = tmp_path / "allow"
    path.write_text("192.0.2.0/24\n2001:db8::1\n")
    text = f"nfacctd_allow_file: {path}\nbmp_daemon: true\nbmp_daemon_allow_file: {path}\n"
    found = _read(text).settings
    assert found.allow == found.bmp.allow == ("192.0.2.0/24", "2001:db8::1/128")
    path.write_text("")
    assert _read(text).settings.allow == ()
    path.write_text("x\n")
    assert len(_mistakes(text)) == 2


def test_a_dump_needs_a_refresh_time() -> None:
    reading = _read("bmp_daemon: true\nbmp_dump_file: x")
    assert reading.settings.bmp.dump is None
    assert "x.conf:2: bmp_dump_file: bmp_dump_refresh_time is not set" in reading.warnings[0]


def test_without_bmp_daemon_nothing_of_bmp_is_set() -> None:
    text = "bmp_daemon_msglog_file: x\nbmp_daemon_max_peers: 5\nbmp_daemon: false"
    assert _read(text).settings.bmp == BmpSettings()


def test_maps_are_tried_before_the_start(tmp_path) -> None:
    path = tmp_path / "map"
    path.write_text("set_tag=1 ip=192.0.2.1\n")
    text = f"plugins: kafka[a]\npre_tag_map: {path}\nsampling_map: {path}\n"
    found = _read(text).settings
    with pytest.raises(ConfigError) as told:
        check_maps(found)
    assert all(mistake.startswith(f"{path}:1: ") for mistake in told.value.mistakes)
    check_maps(_read(f"plugins: kafka[a]\npre_tag_map: {path}\n").settings)


def test_a_file_is_read(tmp_path) -> None:
    path = tmp_path / "x.conf"
    path.write_text("nfacctd_port: 2055\n")
    assert read_file(str(path)).settings.port == 2055


_VALUES = st.one_of(
    st.sampled_from(
        ["true", "FALSE", "1", "0", "-1", "60", "1m", "bmp", "avro", "x_$tag", "/dev/null", "::"]
    ),
    st.sampled_from(["src_host, tag", "none", "100,-5", "map", "http://r", "k1,k2:1"]),
    st.text(max_size=12),
)
_ROWS = st.tuples(
    st.one_of(st.sampled_from(KEYS.names()), st.text(max_size=10)),
    st.sampled_from(["", "[a]", "[b]", "[c]", "[", "]"]),
    _VALUES,
)


@settings(deadline=None)
@given(st.lists(_ROWS, max_size=12), st.booleans())
def test_nothing_but_settings_or_mistakes(rows: list, lenient: bool) -> None:
    text = "plugins: kafka[a], print[b]\n"
    text += "".join(f"{key}{symbol}: {value}\n" for key, symbol, value in rows)
    try:
        reading = _read(text, lenient=lenient)
    except ConfigError as error:
        assert error.mistakes
        assert all(told.isprintable() for told in error.mistakes)
    else:
        document = msgpack.unpackb(msgpack.packb(to_document(reading.settings)))
        assert from_document(document) == reading.settings
