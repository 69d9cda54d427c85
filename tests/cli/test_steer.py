import argparse
import json
from pathlib import Path

import pytest

from collector.cli import steer
from collector.steering.slots import BUCKETS, SlotTable


def _run(*arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="collector")
    steer.add_parser(parser.add_subparsers())
    args = parser.parse_args(["steer", *arguments])
    return args.run(args)


def test_addresses_are_printed_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--workers", "4", "--alias", "2001:db8::1=10.0.0.1", "10.0.0.1", "2001:db8::1")
    assert _run(*arguments) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    bucket = str(SlotTable(4).bucket_of("10.0.0.1"))
    assert lines == [
        ["address", "device", "bucket", "slot"],
        ["10.0.0.1", "10.0.0.1", bucket, str(int(bucket) % 4)],
        ["2001:db8::1", "10.0.0.1", bucket, str(int(bucket) % 4)],
    ]


def test_addresses_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    bucket = SlotTable(3).bucket_of("10.0.0.1")
    assert _run("--workers", "3", "--bucket", f"{bucket}=2", "--json", "10.0.0.1") == 0
    assert json.loads(capsys.readouterr().out) == {
        "address": "10.0.0.1",
        "device": "10.0.0.1",
        "bucket": bucket,
        "slot": 2,
    }


def test_table_shows_the_load_of_each_slot(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--workers", "3", "--table", "--json", "10.0.0.1") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["slot"] for row in rows] == [0, 1, 2]
    assert sum(row["buckets"] for row in rows) == BUCKETS
    assert sum(row["addresses"] for row in rows) == 1
    assert rows[0]["share"] == round(1366 / BUCKETS, 4)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param((), "give an ADDRESS or --table", id="nothing-asked"),
        pytest.param(("10.0.0",), "10.0.0", id="no-address"),
        pytest.param(("--workers", "300", "10.0.0.1"), "1 to 256", id="too-many-workers"),
        pytest.param(("--workers", "2", "--bucket", "1=2", "::1"), "slot 2", id="no-such-slot"),
        pytest.param(("--alias", "x=10.0.0.1", "::1"), "alias x", id="no-alias"),
    ],
)
def test_bad_arguments_end_with_2(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(*arguments) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [("--alias", "10.0.0.1"), ("--bucket", "1"), ("--bucket=a=b",)]
)
def test_bad_pairs_are_the_parsers(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        _run(*arguments, "::1")
    assert caught.value.code == 2
    assert "is not" in capsys.readouterr().err


def test_the_configuration_names_workers_buckets_and_devices(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket = SlotTable(4).bucket_of("10.0.0.1")
    file = tmp_path / "my.toml"
    file.write_text(
        f"[collector]\nworkers = 4\n[steering.buckets]\n{bucket} = 3\n"
        '[[device]]\naddresses = ["10.0.0.1", "2001:db8::1"]\n'
        '[[device]]\naddresses = ["10.0.0.2"]\nrib_of = "2001:db8::1"\n'
    )
    arguments = ("--config", str(file), "--json", "2001:db8::1", "10.0.0.2", "10.0.0.3")
    assert _run(*arguments, "--alias", "10.0.0.3=10.0.0.2") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["device"], row["slot"]) for row in rows] == [("10.0.0.1", 3)] * 3
    # A bucket that the file moves to a worker which the command line takes away.
    assert _run(*arguments, "--workers", "2") == 2
    assert f"[steering] buckets.{bucket} = 3" in capsys.readouterr().err


def test_a_configuration_with_nfacctds_records_does_as_well(tmp_path, capsys) -> None:
    file = tmp_path / "my.toml"
    file.write_text(
        "[collector]\nworkers = 4\n[nfacctd]\n"
        '[[device]]\naddresses = ["10.0.0.1"]\nrib_of = "10.0.0.2"\n'
    )
    assert _run("--config", str(file), "--json", "10.0.0.1") == 0
    assert json.loads(capsys.readouterr().out)["device"] == "10.0.0.2"
