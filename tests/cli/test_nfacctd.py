"""The command `nfacctd`: what it prints, how it ends, what it hands to the service."""

import argparse
import os
from pathlib import Path

import pytest

from collector.cli import nfacctd, nfacctd_service
from collector.config.load import load_text
from collector.config.model import Config
from collector.errors import SteeringError
from collector.nfacctd.log_file import open_log_file
from collector.nfacctd.read_table import read_table
from collector.nfacctd.settings import Settings


def _run(*arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="collector")
    nfacctd.add_parser(parser.add_subparsers())
    args = parser.parse_args(["nfacctd", *arguments])
    return args.run(args)


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    path = tmp_path / "nfacctd.conf"
    path.write_text(f"plugins: kafka[a]\nnfacctd_port: 2055\npidfile: {tmp_path}/pid\n")
    return path


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list:
    """A service that ends at once; what it was given."""
    given: list = []

    async def serve(config: Config, settings: Settings) -> int:
        given.append((config, settings))
        if settings.pidfile is not None:
            assert Path(settings.pidfile).read_text() == f"{os.getpid()}\n"
        return 0

    monkeypatch.setattr(nfacctd_service, "_serve", serve)
    monkeypatch.setattr(nfacctd_service, "configure_logging", lambda level, process: None)
    monkeypatch.setattr(os, "umask", given.append)
    return given


def test_version(capsys) -> None:
    assert _run("-V") == 0
    assert "in the place of nfacctd" in capsys.readouterr().out


def test_a_dry_run_reads_and_ends(conf: Path, capsys, served) -> None:
    assert _run("-f", str(conf), "-T", "config") == 0
    assert capsys.readouterr().out == f"{conf}: ok\n"
    conf.write_text("dry_run: config\n")
    assert _run("-f", str(conf)) == 0
    assert served == []


@pytest.mark.parametrize("row", ["no colon", "nfacctd_port: x", "bgp_daemon: true"])
def test_mistakes_end_it_with_two(conf: Path, capsys, served, row: str) -> None:
    conf.write_text(f"{row}\n")
    assert _run("-f", str(conf)) == 2
    told = capsys.readouterr().err
    assert f"{conf}:1: " in told
    assert ("--lenient" in told) == ("bgp_daemon" in row)
    assert served == []


def test_a_map_with_mistakes_ends_it_with_two(conf: Path, tmp_path: Path, capsys, served) -> None:
    (tmp_path / "map").write_text("set_tag=x\n")
    conf.write_text(f"pre_tag_map: {tmp_path}/map\n")
    assert _run("-f", str(conf)) == 2
    assert f"{tmp_path}/map:1: " in capsys.readouterr().err


def test_lenient_starts(conf: Path, served) -> None:
    conf.write_text("bgp_daemon: true\nnfacctd_port: 2055\n")
    assert _run("-f", str(conf), "--lenient") == 0
    assert served[1][1].port == 2055


def test_explanation_is_toml(conf: Path, tmp_path: Path, capsys, served) -> None:
    assert _run("-f", str(conf), "--explain") == 0
    text = capsys.readouterr().out
    assert load_text(text, tmp_path, read_nfacctd=read_table).listen[0].port == 2055
    conf.write_text("bgp_daemon: true\n")
    assert _run("-f", str(conf), "--explain") == 2
    told = capsys.readouterr()
    assert "NOT SUPPORTED: there are no BGP sessions" in told.out
    assert "NOT SUPPORTED: there are no BGP sessions" in told.err
    assert _run("-f", str(conf), "--explain", "--lenient") == 0
    assert served == []


def test_the_service_gets_settings_and_options(
    conf: Path, tmp_path: Path, served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outs = ["--flow-out", "flow.json", "--bmp-out", "bmp.json", "--dump-out", "dump.json"]
    assert _run("-f", "nfacctd.conf", "--workers", "2", *outs) == 0
    umask, (config, settings) = served
    assert umask == 0o077
    assert (config.listen[0].port, config.collector.workers) == (2055, 2)
    assert settings.flow_out == f"{tmp_path}/flow.json"
    assert settings.bmp_out == f"{tmp_path}/bmp.json"
    assert settings.dump_out == f"{tmp_path}/dump.json"
    assert not (tmp_path / "pid").exists()


def test_a_file_that_cannot_be_written_ends_it_with_two(conf: Path, capsys, served) -> None:
    assert _run("-f", str(conf), "--flow-out", f"{conf}/x") == 2
    assert "flow_out" in capsys.readouterr().err
    conf.write_text(f"pidfile: {conf}/x\n")
    assert _run("-f", str(conf)) == 2
    assert "pidfile" in capsys.readouterr().err
    assert served == [0o077]


def test_refused_sockets_end_it_with_three(conf: Path, served, monkeypatch) -> None:
    async def serve(config: Config, settings: Settings) -> int:
        raise SteeringError("no")

    monkeypatch.setattr(nfacctd_service, "_serve", serve)
    assert _run("-f", str(conf)) == 3


@pytest.mark.parametrize("arguments", [[], ["-f", "x", "--workers", "x"], ["-f", "x", "-T", "y"]])
def test_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        _run(*arguments)
    assert ended.value.code == 2


def test_the_log_file_takes_the_place_of_standard_error(tmp_path: Path) -> None:
    path = tmp_path / "log" / "nfacctd.log"
    kept = os.dup(2)
    try:
        open_log_file(str(path))
        os.write(2, b"first\n")
        path.rename(f"{path}.1")
        open_log_file(str(path))
        os.write(2, b"second\n")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    assert Path(f"{path}.1").read_text() == "first\n"
    assert path.read_text() == "second\n"
