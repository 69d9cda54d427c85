"""Lines, comments and quotes of map files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.nfacctd.maps.syntax import MapError, Row, read_rows, split_token, tokens_of
from tests.nfacctd.maps.map_files import write_map


def test_rows_are_lines_that_say_something(tmp_path: Path) -> None:
    path = write_map(tmp_path, "! a map", "", "  # more", " id=1\tip=192.0.2.1 ", "a=! b=#")
    assert list(read_rows(path)) == [Row(4, "id=1\tip=192.0.2.1"), Row(5, "a=! b=#")]


def test_line_ends_of_windows_are_blanks(tmp_path: Path) -> None:
    path = tmp_path / "dos.map"
    path.write_bytes(b"id=1 in=2\r\n\r\nid=2\r\n")
    assert [row.text for row in read_rows(str(path))] == ["id=1 in=2", "id=2"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("set_tag=1\tip=192.0.2.1  in=3", ["set_tag=1", "ip=192.0.2.1", "in=3"]),
        ("filter='src net 10.0.0.0/8' in=3", ["filter=src net 10.0.0.0/8", "in=3"]),
        ("set_label='a b'c", ["set_label=a bc"]),
        ("set_label=''", ["set_label="]),
    ],
)
def test_tokens_end_at_blanks_outside_of_quotes(text: str, tokens: list[str]) -> None:
    assert tokens_of(text) == tokens


def test_open_quote_is_told() -> None:
    with pytest.raises(ValueError, match="not closed"):
        tokens_of("filter='ip in=3")


@pytest.mark.parametrize("token", ["in", "=3", "in=", "="])
def test_token_needs_key_and_value(token: str) -> None:
    with pytest.raises(ValueError, match="not key=value"):
        split_token(token)


def test_value_may_have_equals_signs() -> None:
    assert split_token("set_label=a=b") == ("set_label", "a=b")


@given(st.text(max_size=60))
def test_any_row_is_cut_or_told(text: str) -> None:
    try:
        tokens = tokens_of(text)
    except ValueError:
        assert text.count("'") % 2
    else:
        assert "'" not in "".join(tokens)


def test_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(MapError, match=r"gone\.map: no such file"):
        list(read_rows(str(tmp_path / "gone.map")))
    with pytest.raises(MapError, match="is no file"):
        list(read_rows(str(tmp_path)))


def test_octets_that_are_no_text_are_told_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.map"
    path.write_bytes(b"id=1\nset_label=\xe4\n")
    with pytest.raises(MapError, match=r"latin\.map:2: is not UTF-8 text"):
        list(read_rows(str(path)))
