"""pmacct's syntax, rule by rule; each was tried on nfacctd 1.7.7."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import ConfigError
from collector.nfacctd.conf import MAX_LINE_CHARACTERS, PluginName, parse_conf, read_conf


def _lines(text: str) -> list[tuple[int, str, str | None, str]]:
    conf = parse_conf(text, "x.conf")
    assert (conf.mistakes, conf.warnings) == ([], [])
    return [(line.number, line.key, line.symbol, line.value) for line in conf.lines]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("a: b", [(1, "a", None, "b")], id="key-and-value"),
        pytest.param("a[p]: b", [(1, "a", "p", "b")], id="for-a-plugin"),
        pytest.param("  A b\t: c d \r\n", [(1, "ab", None, "c d")], id="blanks-and-case"),
        pytest.param("a [P]: b", [(1, "a", "P", "b")], id="names-of-plugins-keep-their-case"),
        pytest.param("a[ p ]: b", [(1, "a", " p ", "b")], id="and-their-blanks"),
        pytest.param("a[p]x: b", [(1, "a", "p", "b")], id="behind-the-brackets"),
        pytest.param("a[]: b", [(1, "a", "", "b")], id="no-name"),
        pytest.param("a: b:c", [(1, "a", None, "b:c")], id="colons-in-the-value"),
        pytest.param("a: [::1]", [(1, "a", None, "[::1]")], id="brackets-in-the-value"),
        pytest.param("a:", [(1, "a", None, "")], id="no-value"),
        pytest.param("a: b ! c", [(1, "a", None, "b ! c")], id="no-comment-at-the-end"),
        pytest.param("! a: b\n # a\n\n \t\n", [], id="comments-and-blank-lines"),
        pytest.param("\n!\na: b\na: c", [(3, "a", None, "b"), (4, "a", None, "c")], id="twice"),
        pytest.param("!" + "x" * 20_000, [], id="a-long-comment"),
        pytest.param("! caf\udce9", [], id="a-comment-of-another-encoding"),
    ],
)
def test_lines_are_read(text: str, lines: list[tuple[int, str, str | None, str]]) -> None:
    assert _lines(text) == lines


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param("abc", "colon", id="no-colon"),
        pytest.param(": abc", "key", id="no-key"),
        pytest.param("[p]: abc", "key", id="a-plugin-alone"),
        pytest.param("a[p: b", "brackets", id="not-closed"),
        pytest.param("a]: b", "brackets", id="not-opened"),
        pytest.param("a[p]]: b", "brackets", id="closed-twice"),
        pytest.param("a[[p]]: b", "brackets", id="nested"),
        pytest.param("a: " + "x" * MAX_LINE_CHARACTERS, "longer", id="too-long"),
        pytest.param("a: caf\udce9", "UTF-8", id="another-encoding"),
        pytest.param("a: b\0c", "printable", id="a-nul"),
    ],
)
def test_a_bad_line_is_told_with_its_number(row: str, reason: str) -> None:
    conf = parse_conf(f"good: 1\n{row}\ngood: 2\n", "x.conf")
    (mistake,) = conf.mistakes
    assert mistake.startswith("x.conf:2: ")
    assert reason in mistake
    assert [line.key for line in conf.lines] == ["good", "good"]


@pytest.mark.parametrize(
    ("value", "plugins"),
    [
        ("kafka[a], print[b]", [("kafka", "a"), ("print", "b")]),
        ("KAFKA [ a b ],", [("kafka", "a b")]),
        ("print", [("print", "default_print")]),
        ("print, kafka", [("print", "default_print"), ("kafka", "default_kafka")]),
        ("", []),
    ],
)
def test_plugins_have_types_and_names(value: str, plugins: list[tuple[str, str]]) -> None:
    conf = parse_conf(f"a: b\nplugins: {value}\n", "x.conf")
    assert conf.plugins == tuple(PluginName(*plugin) for plugin in plugins)
    assert conf.plugins_line is not None
    assert (conf.plugins_line.number, conf.mistakes) == (2, [])


@pytest.mark.parametrize("value", ["print[]", "print[a", "print a]]", "[a]", "print[a[b]]"])
def test_a_plugin_that_is_none_is_a_mistake(value: str) -> None:
    conf = parse_conf(f"plugins: {value}", "x.conf")
    assert conf.plugins == () or value == "print a]]"
    assert len(conf.mistakes) == (value != "print a]]")


def test_of_two_plugins_with_one_name_the_first_stays() -> None:
    conf = parse_conf("plugins: print[a], kafka[a]", "x.conf")
    assert conf.plugins == (PluginName("print", "a"),)
    assert len(conf.warnings) == 1


def test_the_first_line_of_plugins_counts() -> None:
    conf = parse_conf("plugins[a]: kafka[c]\nplugins: print[a]\nplugins: kafka[b]", "x.conf")
    assert conf.plugins == (PluginName("print", "a"),)
    assert [warning[:9] for warning in conf.warnings] == ["x.conf:1:", "x.conf:3:"]


def test_a_file_is_read_whatever_its_encoding(tmp_path) -> None:
    path = tmp_path / "x.conf"
    path.write_bytes(b"! caf\xe9\na: b\n")
    assert [line.key for line in read_conf(str(path)).lines] == ["a"]


@pytest.mark.parametrize("name", ["missing", "", "\0"])
def test_a_file_that_is_not_there_is_told(tmp_path, name: str) -> None:
    with pytest.raises(ConfigError) as told:
        read_conf(str(tmp_path / name))
    assert len(told.value.mistakes) == 1


@given(st.text(st.sampled_from("ab[]:!#,\n \t\udce9\0é"), max_size=80))
def test_every_text_gives_lines_or_mistakes(text: str) -> None:
    conf = parse_conf("plugins: print[a]\n" + text, "x.conf")
    for line in conf.lines:
        assert line.key
        assert line.written.isprintable()
    for told in (*conf.mistakes, *conf.warnings):
        assert told.startswith("x.conf:")
