"""What is broken: one token of a model's or macro's own source at a time, or one key of a window, or one date of a span.

Each that can be broken is marked in the source with a comment behind it. dbt carries the comments into what it
compiles, so that every place that comes from the token is found there: a loop or a macro may write it more than once.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlglot.dialects.duckdb import DuckDB
from sqlglot.tokens import Token, TokenType

FLIPS = {
    TokenType.LT: "<=",
    TokenType.LTE: "<",
    TokenType.GT: ">=",
    TokenType.GTE: ">",
    TokenType.EQ: "<>",
    TokenType.NEQ: "=",
    TokenType.AND: "or",
    TokenType.OR: "and",
    TokenType.PLUS: "-",
    TokenType.DASH: "+",
    TokenType.STAR: "+",
    TokenType.INNER: "left",
    TokenType.LEFT: "inner",
    TokenType.DESC: "asc",
    TokenType.NOT: "",
}
WORDS = {"min": "max", "max": "min", "least": "greatest", "greatest": "least", "sum": "max", "count": "max"}
DIGITS = {"0": "1", "1": "0"}
# A number in the brackets of these is a width or a format, and a broken width is an error of its own kind.
WIDTHS = {"decimal", "numeric", "lpad", "repeat", "round", "trunc"}
# After one of these a star stands for columns, and a minus for a sign.
OPENERS = {TokenType.SELECT, TokenType.L_PAREN, TokenType.COMMA, TokenType.DOT, TokenType.EXCEPT}
# The day that a span of days is asked for: one day later it may be in another one.
IN_FORCE = re.compile(r"\bin_force\(\s*'([\w.]+)'")
# What becomes of a key of a window: it parts nothing, or orders the other way round.
KEYS = {TokenType.PARTITION_BY: "null", TokenType.ORDER_BY: "{} desc"}
LIST_ENDS = {TokenType.ORDER_BY, TokenType.ROWS, TokenType.RANGE, TokenType.SEMICOLON}
COLUMN = re.compile(r"[a-z_]\w*(\.[a-z_]\w*)?")
Break = tuple[int, int, str]  # first and last place in the source, and what stands there instead
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
MARK = re.compile(r"/\*break \d+\*/")


class Mutation(NamedTuple):
    """One token of a source and what stands in its place.

    Attributes:
        number: the token's own number among all of a project.
        name: the model's or macro's file, without its ending.
        line: line of the source, from 1.
        text: that line.
    """

    number: int
    name: str
    line: int
    text: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.name}: `{self.before}` -> `{self.after or '(nothing)'}` in: {self.text.strip()}"

    @property
    def mark(self) -> str:
        """The token as it stands in a marked source."""
        return f"{self.before}/*break {self.number}*/"


def marked(name: str, source: str, first: int) -> tuple[str, list[Mutation]]:
    """Return a source with every token marked that can be broken, and the breaks, numbered from `first`."""
    lines, text, end = source.split("\n"), "", 0
    found: list[Mutation] = []
    for start, stop, after in sorted(_breakable(source)):
        line = source.count("\n", 0, start)
        found.append(Mutation(first + len(found), name, line + 1, lines[line], source[start:stop], after))
        text += source[end:start] + found[-1].mark
        end = stop
    return text + source[end:], found


def broken(sql: str, mutation: Mutation) -> str:
    """Return compiled SQL with the token replaced wherever it was written to."""
    return sql.replace(mutation.mark, mutation.after)


def _breakable(source: str) -> Iterator[Break]:
    tokens = DuckDB().tokenize(JINJA.sub(_blank, source))
    for position, token in enumerate(tokens):
        after = _replacement(tokens, position)
        if after is not None and not (token.token_type == TokenType.NUMBER and _is_part(source, token)):
            yield token.start, token.end + 1, after
    for position, token in enumerate(tokens):
        if token.token_type in KEYS and not _is_in_jinja(source, token):
            for start, stop in _columns(source, tokens, position + 1):
                yield start, stop, KEYS[token.token_type].format(source[start:stop])
    for date in IN_FORCE.finditer(source):
        yield *date.span(1), f"({date[1]} + 1)"


def _columns(source: str, tokens: Sequence[Token], position: int) -> Iterator[tuple[int, int]]:
    """Yield where each key of a list stands that is a plain column, in no order of its own."""
    item: list[Token] = []
    depth = 0
    for token in tokens[position:]:
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
        is_end = depth < 0 or token.token_type in LIST_ENDS
        if is_end or (depth == 0 and token.token_type == TokenType.COMMA):
            text = source[item[0].start : item[-1].end + 1] if item else ""
            if COLUMN.fullmatch(text):
                yield item[0].start, item[-1].end + 1
            item = []
        else:
            item.append(token)
        if is_end:
            return


def _is_in_jinja(source: str, token: Token) -> bool:
    return any(found.start() <= token.start < found.end() for found in JINJA.finditer(source))


def _is_part(source: str, number: Token) -> bool:
    """Whether Jinja writes further digits before or behind a number."""
    return source[number.end + 1 : number.end + 2] == "{" or source[number.start - 1 : number.start] == "}"


def _blank(jinja: re.Match[str]) -> str:
    """Stand a name for an expression, and nothing for a statement or comment, of the same length."""
    return ("x" if jinja[0].startswith("{{") else " ") * len(jinja[0])


def _replacement(tokens: Sequence[Token], position: int) -> str | None:
    token, before = tokens[position], tokens[position - 1] if position else None
    after = tokens[position + 1] if position + 1 < len(tokens) else None
    word = token.text.lower()
    if token.token_type == TokenType.NUMBER:
        return DIGITS.get(token.text) if not _is_width(tokens, position) else None
    if after and after.token_type == TokenType.L_PAREN and word in WORDS:
        return WORDS[word]
    if token.token_type in (TokenType.STAR, TokenType.DASH) and (
        before is None or before.token_type in OPENERS
    ):
        return None
    if token.token_type == TokenType.LEFT and not (after and after.token_type == TokenType.JOIN):
        return None
    return FLIPS.get(token.token_type)


def _is_width(tokens: Sequence[Token], position: int) -> bool:
    """Whether the number stands in the brackets of a type or of a function that takes a width."""
    depth = 0
    for back in range(position - 1, 0, -1):
        kind = tokens[back].token_type
        depth += (kind == TokenType.R_PAREN) - (kind == TokenType.L_PAREN)
        if depth < 0:
            return tokens[back - 1].text.lower() in WIDTHS
    return False
