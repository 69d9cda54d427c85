"""What lines set, and what becomes of them: scopes, order, features, keys that we have not."""

import pytest

from collector.nfacctd.conf import parse_conf
from collector.nfacctd.keys import Scope, Treatment
from collector.nfacctd.keys_elsewhere import KEYS
from collector.nfacctd.read_lines import Lines, read_lines

_PLUGINS = "plugins: kafka[a], print[b]\n"


def _read(text: str) -> Lines:
    return read_lines(parse_conf(_PLUGINS + text, "x.conf"))


def _judged(lines: Lines, number: int) -> tuple[Treatment | None, str]:
    (judgement,) = [entry for entry in lines.judgements if entry.line.number == number]
    return judgement.treatment, judgement.told


def _refresh(lines: Lines) -> tuple[int | None, int | None]:
    first, second = (lines.of("plugin", name).get("refresh_s") for name in "ab")
    return first, second


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("kafka_refresh_time: 5", (5, 5), id="for-all"),
        pytest.param("kafka_refresh_time[a]: 5", (5, None), id="for-one"),
        pytest.param("kafka_refresh_time: 5\nprint_refresh_time[b]: 6", (5, 6), id="one-field"),
        pytest.param("kafka_refresh_time[a]: 5\nsql_refresh_time: 6", (6, 6), id="later-wins"),
        pytest.param("kafka_refresh_time: 5\nkafka_refresh_time: 6", (6, 6), id="twice"),
        pytest.param("kafka_refresh_time[A]: 5", (None, None), id="names-have-case"),
        pytest.param("kafka_refresh_time: 5s\n", (None, None), id="bad-value"),
    ],
)
def test_lines_set_a_key_from_top_to_bottom(text: str, seconds: tuple) -> None:
    assert _refresh(_read(text)) == seconds


def test_a_global_key_for_a_plugin_is_globalised_with_a_warning() -> None:
    lines = _read("nfacctd_port[a]: 2055")
    assert lines.of("core") == {"port": 2055}
    assert lines.warnings == ["x.conf:2: nfacctd_port: cannot be for one plugin: taken for all"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("bogus: 1", "no such key"),
        ("nfacctd_prot: 2055", 'did you mean "nfacctd_port"?'),
        ("print_output[c]: json", 'no plugin "c"'),
        ("nfacctd_port[c]: 2055", 'no plugin "c"'),
        ("pre_tag_filter: 100", "must be for one plugin"),
        ("pre_tag_label_filter: x", "must be for one plugin"),
        ("aggregate_filter: tcp", "must be for one plugin"),
    ],
)
def test_what_nfacctd_passes_over_is_a_warning(row: str, reason: str) -> None:
    lines = _read(row)
    assert (lines.mistakes, lines.refused) == ([], [])
    (warning,) = lines.warnings
    assert warning.startswith("x.conf:2: ")
    assert reason in warning
    assert _judged(lines, 2)[0] is None


def test_a_map_is_the_cores_or_a_plugins_own(tmp_path) -> None:
    for name in "xy":
        (tmp_path / name).write_text("")
    lines = _read(f"pre_tag_map: {tmp_path}/x\npre_tag_map[a]: {tmp_path}/y")
    assert lines.of("tags") == {"pre_tag_map": f"{tmp_path}/x"}
    assert lines.of("tags", "a") == {"pre_tag_map": f"{tmp_path}/y"}
    assert lines.of("tags", "b") == {}


def test_a_line_that_a_later_one_takes_over_is_superseded() -> None:
    lines = _read("kafka_history: 1m\nkafka_history[a]: 2m\nprint_history: 3m")
    assert _judged(lines, 2) == (Treatment.SUPERSEDED, "line 4 says it again")
    assert _judged(lines, 3) == (Treatment.SUPERSEDED, "line 4 says it again")
    assert _judged(lines, 4) == (Treatment.HONOURED, "bins of 3m")


@pytest.mark.parametrize(
    ("text", "treatment", "told"),
    [
        ("nfacctd_port: 2055", Treatment.HONOURED, "port 2055"),
        ("nfacctd_time_new: TRUE", Treatment.HONOURED, "arrival"),
        ("nfacctd_time_new: false", Treatment.HONOURED, "off"),
        ("daemonize: true", Treatment.SUPERSEDED, "foreground"),
        ("plugin_pipe_zmq: true", Treatment.SUPERSEDED, "one worker"),
        ("redis_host: 127.0.0.1:6379", Treatment.SUPERSEDED, "without election"),
        ("debug: true", Treatment.NO_EFFECT, "log"),
        ("sql_host: x", Treatment.NO_EFFECT, "database"),
        ("amqp_exchange: x", Treatment.NO_EFFECT, "AMQP"),
        ("bmp_daemon_port: 1790", Treatment.NO_EFFECT, "bmp_daemon is not true"),
        ("bmp_daemon_msglog_amqp_routing_key: x", Treatment.NO_EFFECT, "bmp_daemon is not true"),
        ("kafka_topic[b]: x", Treatment.NO_EFFECT, "no kafka plugin"),
        ("print_output[a]: csv", Treatment.NO_EFFECT, "no print plugin"),
        ("bgp_src_as_path_type: bgp", Treatment.NO_EFFECT, "no flow is joined"),
        ("geoipv2_file: /x", Treatment.NO_EFFECT, "aggregate has no primitive"),
        ("bgp_daemon: false", Treatment.NO_EFFECT, "off"),
        ("sampling_rate: 1", Treatment.NO_EFFECT, "off"),
        ("bgp_daemon: true", Treatment.NOT_SUPPORTED, "no BGP sessions"),
        ("nfacctd_dtls_port: 4740", Treatment.NOT_SUPPORTED, "DTLS"),
        ("nfacctd_kafka_topic: x", Treatment.NOT_SUPPORTED, "no flows are read from there"),
        ("pcap_savefile: /x", Treatment.NOT_SUPPORTED, "no flows are read from there"),
        ("rpki_rtr_cache: 127.0.0.1:1", Treatment.NOT_SUPPORTED, "validated"),
        ("ports_file: /x", Treatment.NOT_SUPPORTED, "ports"),
        ("nfacctd_net: igp", Treatment.NOT_SUPPORTED, "IGP"),
        ("print_output[b]: custom", Treatment.NOT_SUPPORTED, "custom library"),
        ("aggregate: src_host, sum_as", Treatment.NOT_SUPPORTED, "sum_as"),
    ],
)
def test_every_key_is_judged(text: str, treatment: Treatment, told: str) -> None:
    lines = _read(text)
    found, sentence = _judged(lines, 2)
    assert found is treatment
    assert told in sentence
    refused = [f"x.conf:2: {text.partition(':')[0].partition('[')[0]}: NOT SUPPORTED: {sentence}"]
    assert lines.refused == (refused if treatment is Treatment.NOT_SUPPORTED else [])
    assert (lines.mistakes, lines.warnings) == ([], [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("plugins: kafka[a], memory[m]", "memory[m]: the pmacct client"),
        ("plugins: tee", "tee[default_tee]: datagrams are not replicated"),
        ("plugins: bogus[x]", "bogus[x]: there is no such plugin"),
    ],
)
def test_plugins_that_we_have_not_are_refused(text: str, told: str) -> None:
    lines = read_lines(parse_conf(text, "x.conf"))
    (refused,) = lines.refused
    assert refused.startswith("x.conf:1: plugins: NOT SUPPORTED: ")
    assert told in refused


def test_without_plugins_there_is_a_warning() -> None:
    lines = read_lines(parse_conf("nfacctd_port: 2055", "x.conf"))
    assert (lines.mistakes, lines.refused) == ([], [])
    assert "plugins is not set" in lines.warnings[0]


@pytest.mark.parametrize(
    "row",
    [
        "nfacctd_port: 0",
        "nfacctd_port: abc",
        "nfacctd_port: 65536",
        f"nfacctd_port: {'9' * 5000}",
        "nfacctd_time_new: yes",
        "nfacctd_ip: host.example.net",
        "nfacctd_ip: fe80::1%eth0",
        "nfacctd_pipe_size: -1",
        "nfacctd_as: bogus",
        "bgp_peer_src_as_type: bogus",
        "kafka_refresh_time: 0",
        "kafka_refresh_time: 1m",
        "kafka_history: 0",
        "kafka_history: 10x",
        "kafka_history: -5",
        "kafka_history_roundoff: mx",
        "kafka_history_roundoff: dw",
        "kafka_history_offset: -1",
        "kafka_output: csv",
        "kafka_multi_values: -1",
        "kafka_partition: -2",
        "kafka_avro_schema_registry: localhost",
        "print_output: xml",
        "print_output_separator: ab",
        "pre_tag_filter[a]: 5-2",
        "pre_tag_filter[a]: x",
        "aggregate_filter[a]: host (",
        "post_tag: 0",
        "bmp_daemon_port: 0",
        "bmp_dump_refresh_time: 59",
        "bmp_dump_refresh_time: 86401",
        "bmp_table_per_peer_buckets: 129",
        "bmp_table_per_peer_hash: bogus",
        "bmp_daemon_msglog_output: csv",
        "files_umask: 1",
        "networks_mask: 129",
        "core_proc_name:",
    ],
)
def test_a_value_that_nfacctd_ignores_is_refused(row: str) -> None:
    lines = _read(row)
    (refused,) = lines.refused
    assert refused.startswith("x.conf:2: ")
    assert lines.mistakes == []
    assert _judged(lines, 2)[0] is None


@pytest.mark.parametrize("key", ["pre_tag_map", "sampling_map", "networks_file", "flow_to_rd_map"])
def test_a_map_that_is_not_there_is_a_mistake(key: str) -> None:
    lines = _read(f"{key}: /nonexistent/map")
    assert lines.mistakes == [f'x.conf:2: {key}: "/nonexistent/map": there is no such file']


def test_every_row_of_the_table_is_in_order() -> None:
    for name in KEYS.names():
        key = KEYS.find(name)
        assert key is not None
        assert key.name == name == name.lower()
        assert key.told
        assert not key.told.endswith(".")
        if key.treatment is Treatment.HONOURED:
            assert key.field.count(".") == 1, name
        if key.scope is Scope.EITHER:
            assert key.field.startswith("tags.")


@pytest.mark.parametrize(
    ("other", "usual"),
    [
        ("nfacctd_as_new", "nfacctd_as"),
        ("bgp_agent_map", "bmp_agent_map"),
        ("timestamps_rfc3339", "timestamps_rfc9557"),
        ("avro_schema_output_file", "avro_schema_file"),
        ("sfacctd_renormalize", "nfacctd_renormalize"),
        ("uacctd_as", "nfacctd_as"),
        ("kafka_time_roundoff", "kafka_history_roundoff"),
        ("bmp_daemon_table_dump_refresh_time", "bmp_dump_refresh_time"),
        ("nfacctd_proc_name", "core_proc_name"),
    ],
)
def test_keys_have_other_names(other: str, usual: str) -> None:
    assert KEYS.find(other) == KEYS.find(usual) is not None
