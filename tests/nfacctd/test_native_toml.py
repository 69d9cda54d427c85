"""Settings written as TOML and read again are the same settings."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from collector.config.load import load_text
from collector.config.model import Config
from collector.errors import ConfigError
from collector.nfacctd.native import rooted, settings_of, to_native
from collector.nfacctd.native_toml import to_toml
from collector.nfacctd.read_settings import read_file, read_text
from collector.nfacctd.read_table import read_table
from collector.nfacctd.settings import BmpSettings, Plugin, Settings
from tests.captures import captures_dir
from tests.nfacctd.any_settings import any_settings
from tests.nfacctd.captured_confs import with_maps_in_place


def _read(text: str, directory: Path = Path("/nowhere")) -> Config:
    return load_text(text, directory, read_nfacctd=read_table)


def _same_after_toml(given: Settings) -> str:
    native = to_native(given, workers=3, log_level="debug")
    text = to_toml(native)
    assert _read(text) == native
    assert settings_of(_read(text)) == settings_of(native)
    return text


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(any_settings())
def test_any_settings(given: Settings) -> None:
    _same_after_toml(replace(given, bmp=BmpSettings()))
    bmp = replace(given.bmp, enabled=True)
    _same_after_toml(replace(given, bmp=bmp, ip="192.0.2.1", port=2055, pipe_size=5000))


def test_all_captures(tmp_path: Path) -> None:
    confs = sorted(captures_dir().glob("**/nfacctd-*.conf"))
    assert confs
    for conf in confs:
        reading = read_file(str(with_maps_in_place(conf, tmp_path)))
        _same_after_toml(reading.settings)
        assert settings_of(to_native(reading.settings)) == reading.settings


@pytest.mark.parametrize(
    ("allow", "bmp_allow"),
    [
        (None, None),
        ((), ()),
        (("192.0.2.0/24",), None),
        (("192.0.2.0/24",), ("192.0.2.0/24",)),
        (("192.0.2.0/24",), ("2001:db8::/32",)),
        (None, ("2001:db8::/32",)),
    ],
)
def test_who_may_send_is_the_same(allow, bmp_allow) -> None:
    """By both lists that are asked: steering's, and that of flows or of BMP."""
    given = Settings(allow=allow, bmp=BmpSettings(enabled=True, allow=bmp_allow))
    config = _read(_same_after_toml(given))
    found = settings_of(config)
    steering = set(config.steering.allow)
    for wanted, asked in ((allow, found.allow), (bmp_allow, found.bmp.allow)):
        if wanted is None:
            assert (steering, asked) == (set(), None)
        elif asked is None:
            assert steering == set(wanted)
        else:
            assert asked == wanted
            assert not steering or set(wanted) <= steering


def test_secrets_stay_where_they_are(tmp_path: Path) -> None:
    path = tmp_path / "librdkafka.conf"
    path.write_text(
        "global, bootstrap.servers, k1,k2:1\nglobal, security.protocol, sasl_plaintext\n"
        "global, sasl.mechanisms, PLAIN\nglobal, compression.codec, zstd\n"
        "global, sasl.username, me\nglobal, sasl.password, tell-nobody\n"
    )
    conf = f"plugins: kafka[a], kafka[b]\nkafka_config_file: {path}\nkafka_broker_host[b]: k9\n"
    given = read_text(conf, "x.conf").settings
    text = _same_after_toml(given)
    assert "tell-nobody" not in text
    first, second = (plugin.kafka.connection for plugin in settings_of(_read(text)).plugins)
    assert (first.username, first.password) == ("me", "tell-nobody")
    assert (first.brokers, second.brokers) == (("k1:9092", "k2:1"), ("k9:9092",))
    assert text.count("brokers = ") == 1
    path.unlink()
    with pytest.raises(ConfigError, match=r"librdkafka_file: .*: not found"):
        _read(text)


def test_a_file_of_librdkafka_that_is_not_there_is_not_named(tmp_path: Path) -> None:
    conf = f"plugins: kafka[a]\nkafka_config_file: {tmp_path}/none\n"
    assert "none" not in _same_after_toml(read_text(conf, "x.conf").settings)


def test_relative_paths_are_those_of_the_directory_where_it_was_written(tmp_path: Path) -> None:
    given = Settings(
        logfile="log",
        flow_out="/out",
        plugins=(Plugin(name="a", type="kafka", trigger_exec="bin/x", kafka=None),),
    )
    found = rooted(given, tmp_path)
    assert (found.logfile, found.flow_out) == (f"{tmp_path}/log", "/out")
    assert found.plugins[0].trigger_exec == f"{tmp_path}/bin/x"
    text = to_toml(to_native(Settings(logfile="log")))
    assert settings_of(_read(text, tmp_path)).logfile == f"{tmp_path}/log"
