from pathlib import Path

import pytest

from collector.cli import main

_GOOD = """
[collector]
workers = 1
[[listen]]
kind = "flow"
address = "2001:db8::1"
[[device]]
addresses = ["192.0.2.1", "2001:db8::2"]
[[aggregate]]
name = "by-as"
keys = ["device", "destinationOriginAs"]
[[output]]
name = "kafka"
type = "kafka"
brokers = ["k1:9092", "k2:9092"]
[[output]]
name = "disk"
type = "file"
path = "{topic}.json"
[[publish]]
records = "flow"
output = "kafka"
format = "arrow"
filter = '''octets > 1
AND device IS NOT NULL'''
columns = ["device", "octets"]
topic = "flows"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "my.toml"


def test_a_right_file_is_summed_up(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(_GOOD)
    assert main(["check", "--config", str(file)]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert told.out.splitlines() == [
        f"{file}: ok",
        "  1 worker, steering auto",
        "  listens for IPFIX and NetFlow on UDP [2001:db8::1]:4739",
        "  1 device configured",
        '  output "kafka": Kafka at k1:9092, k2:9092, plaintext, zstd',
        f'  output "disk": file {file.parent}/{{topic}}.json',
        '  publishes flow to "kafka" as arrow where octets > 1 AND device IS NOT NULL, '
        '2 columns, topic "flows"',
        '  remark: [[aggregate]] "by-as": nobody publishes it, so it is not made',
        '  remark: [[output]] "disk": nothing is published to it',
    ]


def test_all_mistakes_are_printed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("[collector]\nworker = 1\n[rib]\nstale_s = -1\n")
    assert main(["check", "--config", str(file)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        f"{file}: 2 mistakes",
        '  [collector] worker: no such key; did you mean "workers"?',
        "  [rib] stale_s = -1: must be a whole number from 0 to 86400",
    ]


def test_a_file_that_is_not_there(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--config", str(file)]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"{file}: 1 mistake",
        f"  {file}: No such file or directory",
    ]


def test_what_the_command_line_replaces_is_checked_with_it(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(_GOOD)
    assert main(["check", "--config", str(file), "--workers", "300", "--output", "x"]) == 2
    assert main(["check", "--config", str(file), "--output", "stdout"]) == 0
    told = capsys.readouterr()
    assert "[collector] workers = 300" in told.err
    assert "--output x: must be" in told.err
    assert 'publishes flow to "stdout" as json' in told.out


def test_records_of_nfacctd_are_summed_up(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tags = file.with_name("tags.map")
    tags.write_text("set_tag=1\n")
    file.write_text(
        '[collector]\nworkers = 1\n[[listen]]\nkind = "bmp"\n'
        '[nfacctd]\npre_tag_map = "tags.map"\nbmp_out = "/tmp/bmp"\n'
        '[[nfacctd.plugin]]\nname = "a"\ntype = "kafka"\naggregate = ["tag"]\noutput = "avro"\n'
        'kafka.connection = { tls = true, sasl_mechanism = "PLAIN" }\n'
        '[[nfacctd.plugin]]\nname = "b"\ntype = "print"\naggregate = []\nrefresh_s = 10\n'
        '[nfacctd.bmp]\nmsglog.kafka.topic = "events"\n'
        'dump = { refresh_s = 300, target = { file = "tables" } }\n'
    )
    assert main(["check", "--config", str(file)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{file}: ok",
        "  1 worker, steering auto",
        "  listens for BMP on TCP [::]:1790",
        '  plugin "a" (1 primitive, purged each 60 s): avro to Kafka at 127.0.0.1:9092 with TLS '
        'and login, topic "pmacct.acct"',
        '  plugin "b" (0 primitives, purged each 10 s): json to standard output',
        "  BMP events: JSON lines to file /tmp/bmp, in place of Kafka",
        f"  BMP tables each 300 s: json to file {file.parent}/tables",
    ]
    tags.write_text("set_tag=x\n")
    assert main(["check", "--config", str(file)]) == 2
    told = capsys.readouterr().err
    assert f"{tags}:1: " in told


def test_files_that_nfacctds_records_need_are_read(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.with_name("bad.pem").write_text("no certificate")
    file.write_text(
        '[nfacctd]\nflow_out = "my.toml/x"\n[[nfacctd.plugin]]\nname = "a"\ntype = "kafka"\n'
        'kafka.connection = { tls = true, ca_file = "bad.pem" }\n'
    )
    assert main(["check", "--config", str(file)]) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[0] == f"{file}: 2 mistakes"
    assert told[1].startswith(f"  tls ca {file.parent}/bad.pem: ")
    assert told[2] == f"  flow_out {file}/x: {file} is no directory"
    # `run` judges the same, before any socket is bound.
    assert main(["run", "--config", str(file)]) == 2
    assert capsys.readouterr().err.splitlines() == told
