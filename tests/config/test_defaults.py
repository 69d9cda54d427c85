from pathlib import Path

import pytest

from collector.config.defaults import apply_output
from collector.config.load import default_config
from collector.config.model import PublishTable
from collector.errors import ConfigError
from tests.config.documents import KAFKA, load

_THREE = (
    KAFKA
    + '[[output]]\nname = "print"\ntype = "stdout"\n'
    + '[[publish]]\nrecords = "flow"\noutput = "kafka"\nformat = "arrow"\nfilter = "octets > 1"\n'
    + '[[publish]]\nrecords = "bmp"\noutput = "kafka"\n'
    + '[[publish]]\nrecords = "bmp"\noutput = "print"\n'
)


def test_kafka_on_the_command_line() -> None:
    (output,) = default_config("kafka://k1:9092,[2001:db8::1]:9092/lab").output
    assert (output.type, output.brokers) == ("kafka", ("k1:9092", "[2001:db8::1]:9092"))
    assert output.prefix == "lab"
    assert default_config("kafka://k1:9092").output[0].prefix == "telemetry"


def test_a_file_on_the_command_line(tmp_path: Path) -> None:
    path = f"{tmp_path}/{{slot}}/{{topic}}.json"
    (output,) = default_config(f"file:{path}").output
    assert (output.type, output.path) == ("file", path)


def test_all_that_is_published_goes_there_once() -> None:
    config = load(_THREE)
    assert apply_output(config, "kafka://k2:9092/x").publish == (
        PublishTable("flow", "kafka", "arrow", "octets > 1"),
        PublishTable("bmp", "kafka"),
    )
    # People read it, so it is JSON.
    assert apply_output(config, "stdout").publish == (
        PublishTable("flow", "stdout", "json", "octets > 1"),
        PublishTable("bmp", "stdout"),
    )


def test_forms_that_differ_need_files_that_differ(tmp_path: Path) -> None:
    config = load(_THREE)
    apply_output(config, f"file:{tmp_path}/{{topic}}")
    with pytest.raises(ConfigError, match="cannot stand in one file"):
        apply_output(config, f"file:{tmp_path}/all")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "nowhere",
            "kafka:k:9092",
            "kafka://",
            "kafka:///x",
            "kafka://k/x",
            "kafka://k:1/a b",
        ),
        *("kafka://k:1,/x", "file:", "file:/", "file:/dev/null/x", "file:/{host}", "stdout:x"),
    ],
)
def test_what_is_no_output(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        apply_output(default_config(), text)
    assert all(line.startswith(f"--output {text}: ") for line in caught.value.mistakes)
