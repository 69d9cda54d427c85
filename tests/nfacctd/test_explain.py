"""`--explain`: a line for each key, then TOML that makes the same settings."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.config.load import load_text
from collector.nfacctd.check_files import check_maps
from collector.nfacctd.explain import explain
from collector.nfacctd.flows.primitives import FLOWS, PRIMITIVES
from collector.nfacctd.keys import Treatment
from collector.nfacctd.keys_elsewhere import KEYS
from collector.nfacctd.native import settings_of, to_native
from collector.nfacctd.read_settings import Reading, read_file, read_text
from collector.nfacctd.read_table import read_table
from collector.nfacctd.settings import Settings
from tests.captures import captures_dir
from tests.nfacctd.captured_confs import with_maps_in_place

# Keys of nfacctd that bear on flows, BMP, maps, Kafka, files and print, by their documentation.
_DOCUMENTED = """
    core_proc_name daemonize debug debug_internal_msg pidfile logfile syslog writer_id_string
    timestamps_secs timestamps_since_epoch timestamps_utc timestamps_rfc9557 aggregate
    aggregate_primitives maps_index maps_refresh maps_entries maps_row_len pre_tag_map
    pre_tag_label_encode_as_map tcpflags_encode_as_array fwd_status_encode_as_string
    mpls_label_stack_encode_as_array as_path_encode_as_array bgp_comms_encode_as_array
    tos_encode_as_dscp bgp_comms_num flow_to_rd_map sampling_map nfacctd_ip nfacctd_port
    nfacctd_pipe_size nfacctd_time_new nfacctd_pro_rating nfacctd_renormalize nfacctd_stitching
    nfacctd_pre_processing_checks nfacctd_as nfacctd_net plugin_pipe_zmq plugin_pipe_zmq_retry
    plugin_pipe_zmq_profile plugin_pipe_zmq_hwm kafka_topic kafka_config_file kafka_output
    kafka_broker_host kafka_broker_port kafka_avro_schema_registry avro_schema_output_file
    avro_buffer_size kafka_refresh_time kafka_history kafka_history_roundoff kafka_max_writers
    bmp_daemon bmp_daemon_ip bmp_daemon_port bmp_daemon_max_peers bmp_daemon_tag_map
    bgp_peer_src_as_type bgp_src_std_comm_type bgp_src_ext_comm_type bgp_src_lrg_comm_type
    bgp_src_as_path_type bgp_src_local_pref_type bgp_src_med_type bgp_src_roa_type
    bmp_table_peer_buckets bmp_table_per_peer_buckets bmp_table_attr_hash_buckets
    bmp_table_per_peer_hash bmp_daemon_msglog_output bmp_daemon_msglog_avro_schema_file
    bmp_daemon_msglog_kafka_topic bmp_daemon_msglog_kafka_config_file
    bmp_daemon_msglog_kafka_avro_schema_registry bmp_daemon_msglog_kafka_broker_host
    bmp_daemon_msglog_kafka_broker_port bmp_dump_output bmp_dump_refresh_time bmp_dump_time_slots
    bmp_dump_avro_schema_file bmp_dump_kafka_topic bmp_dump_kafka_config_file
    bmp_dump_kafka_avro_schema_registry bmp_dump_kafka_broker_host bmp_dump_kafka_broker_port
    bmp_dump_kafka_partition bmp_dump_kafka_partition_key bmp_dump_kafka_topic_rr
    bmp_dump_kafka_retry redis_host redis_db redis_passwd cluster_name cluster_id bmp_daemon_ha
    bmp_daemon_ha_cluster_name bmp_daemon_ha_cluster_id bmp_daemon_ha_queue_message_timeout
    bmp_daemon_ha_queue_max_size
    nfacctd_interface nfacctd_ipv6_only nfacctd_mcast_groups nfacctd_allow_file
    nfacctd_rp_ebpf_prog bmp_daemon_rp_ebpf_prog nfacctd_templates_file nfacctd_templates_port
    nfacctd_templates_receiver nfacctd_dtls_port dtls_path nfacctd_account_options
    nfacctd_disable_opt_scope_check nfacctd_ignore_exporter_address use_ip_next_hop
    nfacctd_ext_sampling_rate nfacctd_time_secs nfacctd_kafka_broker_host
    nfacctd_kafka_broker_port nfacctd_kafka_topic nfacctd_kafka_config_file nfacctd_zmq_address
    pcap_savefile pcap_sf_delay pcap_sf_replay pcap_sf_wait networks_file networks_file_filter
    networks_file_no_lpm networks_mask ports_file protos_file tos_file pre_tag_filter
    pre_tag2_filter pre_tag_label_filter aggregate_filter kafka_partition kafka_partition_dynamic
    kafka_partition_key kafka_topic_rr kafka_multi_values kafka_markers kafka_num_protos
    kafka_cache_entries kafka_startup_delay kafka_history_offset kafka_preprocess
    kafka_preprocess_type kafka_trigger_exec kafka_trigger_exec_async plugin_pipe_size
    plugin_buffer_size plugin_exit_any bmp_daemon_interface bmp_daemon_ipv6_only
    bmp_daemon_allow_file bmp_daemon_pipe_size bmp_daemon_ipprec bmp_daemon_batch
    bmp_daemon_batch_interval bmp_daemon_parse_proxy_header bmp_daemon_set_pd
    bmp_daemon_msglog_file bmp_daemon_msglog_label_filter bmp_daemon_msglog_kafka_partition
    bmp_daemon_msglog_kafka_partition_key bmp_daemon_msglog_kafka_retry
    bmp_daemon_msglog_kafka_topic_rr bmp_daemon_msglog_amqp_routing_key
    bmp_daemon_msglog_amqp_host bmp_daemon_msglog_amqp_exchange bmp_dump_file bmp_dump_latest_file
    bmp_dump_workers bmp_dump_exclude_stats bgp_agent_map bmp_agent_map bgp_follow_default
    bgp_follow_nexthop bgp_follow_nexthop_external bgp_aspath_radius bgp_stdcomm_pattern
    bgp_extcomm_pattern bgp_lrgcomm_pattern bgp_stdcomm_pattern_to_asn bgp_lrgcomm_pattern_to_asn
    bgp_peer_as_skip_subas rpki_roas_file rpki_rtr_cache rpki_rtr_cache_version
    rpki_rtr_cache_pipe_size propagate_signals proc_priority files_umask files_uid files_gid
    dry_run
"""


def _explained(reading: Reading) -> tuple[str, Settings]:
    text = explain(reading, "x.conf", to_native(reading.settings))
    return text, settings_of(load_text(text, Path("/nowhere"), read_nfacctd=read_table))


def test_every_capture_is_explained(tmp_path: Path) -> None:
    confs = sorted(captures_dir().glob("**/nfacctd-*.conf"))
    assert confs
    for conf in confs:
        reading = read_file(str(with_maps_in_place(conf, tmp_path)))
        check_maps(reading.settings)
        text, found = _explained(reading)
        assert reading.refused == ()
        assert "NOT SUPPORTED" not in text
        assert found == reading.settings


def test_one_line_a_key_then_the_native_configuration() -> None:
    conf = (
        "plugins: kafka[flow], print[b.1]\n"
        "nfacctd_port: 2055\n"
        "aggregate: tag\n"
        "kafka_refresh_time: 300\n"
        "kafka_history[flow]: 5m\n"
        "daemonize: true\n"
        "bgp_daemon: true\n"
        "unknown: 1\n"
    )
    text, found = _explained(read_text(conf, "x.conf", lenient=True))
    told = [line.partition(" -- ") for line in text.splitlines()]
    sentences = {line: sentence for line, dashes, sentence in told if dashes}
    assert [*sentences] == [f"# {line}" for line in conf.splitlines()]
    assert sentences["# nfacctd_port: 2055"] == "honoured as listening on port 2055, UDP"
    assert sentences["# bgp_daemon: true"].startswith("NOT SUPPORTED: there are no BGP sessions")
    assert sentences["# unknown: 1"] == "ignored, as nfacctd does: no such key"
    lines = text.splitlines()
    native = lines[lines.index("[collector]") :]
    assert native == [
        *("[collector]", 'name = "default"', "stop_timeout_s = 15", ""),
        *("[[listen]]", 'kind = "flow"', "port = 2055", ""),
        *("[nfacctd]", ""),
        *("[[nfacctd.plugin]]", 'name = "flow"', 'type = "kafka"', 'aggregate = ["tag"]'),
        *("refresh_s = 300", 'history = { count = 5, unit = "m" }', ""),
        *("[nfacctd.plugin.kafka]", ""),
        *("[[nfacctd.plugin]]", 'name = "b.1"', 'type = "print"', 'aggregate = ["tag"]'),
        *('output = "formatted"', "refresh_s = 300", ""),
        "[nfacctd.plugin.print]",
    ]
    assert [plugin.refresh_s for plugin in found.plugins] == [300, 300]


@pytest.mark.parametrize("name", _DOCUMENTED.split())
def test_every_documented_key_is_honoured_or_reported(name: str) -> None:
    key = KEYS.find(name)
    assert key is not None
    assert key.told
    assert bool(key.field) == (key.treatment is Treatment.HONOURED)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.sampled_from([*PRIMITIVES, FLOWS]), unique=True, max_size=8),
    st.text(st.sampled_from("abz.-_$%{}\"'\\ \té"), max_size=8),
    st.integers(1, 100_000),
)
def test_whatever_is_read_is_explained_as_toml(names: list, odd: str, seconds: int) -> None:
    reading = read_text(
        f"plugins: kafka[x{odd}], print[y]\naggregate: {','.join(names)}\n"
        f"kafka_topic: t{odd}\nkafka_refresh_time: {seconds}\ncore_proc_name: c{odd}\n"
        f"print_output_file: /tmp/x{odd}\n",
        "x.conf",
        lenient=True,
    )
    _, found = _explained(reading)
    assert found == reading.settings
