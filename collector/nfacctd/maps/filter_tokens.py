"""Words of a filter expression, in order, with one place to read from (pcap-filter(7))."""

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<mac>[0-9A-Fa-f]{1,2}(?::[0-9A-Fa-f]{1,2}){5}(?![0-9A-Fa-f:]))
      | (?P<ipv6>(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f.]*)
      | (?P<dotted>\d+(?:\.\d+){1,3})
      | (?P<number>0[xX][0-9A-Fa-f]+|\d+)
      | \\?(?P<word>[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*)
      | (?P<sign>&&|\|\||<<|>>|>=|<=|==|!=|[()!<>=+\-*/%&|^\[\]:])
    )""",
    re.VERBOSE,
)
_SPELLINGS = {"&&": "and", "||": "or", "!": "not"}
_MAX_TOKENS = 2000


class Token(NamedTuple):
    """One word: its kind (mac, ipv6, dotted, number, word, sign, end) and text."""

    kind: str
    text: str


class Tokens:
    """The words of one expression; `place` may be kept and set, to try again from there.

    Raises:
        ValueError: there is a character that no expression has, or too many words.
    """

    def __init__(self, text: str) -> None:
        self._tokens: list[Token] = []
        self.place = 0
        start, end = 0, len(text.rstrip())
        while start < end:
            match = _TOKEN.match(text, start)
            if match is None:
                raise ValueError(f"cannot read {text[start:end].lstrip()[:20]!r}")
            kind = match.lastgroup
            word = match[kind]
            self._tokens.append(Token(kind, _SPELLINGS.get(word, word)))
            start = match.end()
        if len(self._tokens) > _MAX_TOKENS:
            raise ValueError(f"more than {_MAX_TOKENS} words")
        self._tokens.append(Token("end", "its end"))

    def peek(self, ahead: int = 0) -> Token:
        """Return a word without taking it."""
        return self._tokens[min(self.place + ahead, len(self._tokens) - 1)]

    def take(self) -> Token:
        """Take the next word."""
        token = self.peek()
        self.place += token.kind != "end"
        return token

    def take_if(self, *texts: str) -> str | None:
        """Take the next word if it is one of these."""
        token = self.peek()
        return self.take().text if token.text in texts and token.kind != "end" else None

    def expect(self, text: str) -> None:
        """Take a word that has to be there.

        Raises:
            ValueError: another one is.
        """
        if self.take_if(text) is None:
            raise ValueError(f"{text!r} is missing before {self.peek().text!r}")
