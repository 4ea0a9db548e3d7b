"""What is broken: one token of a compiled model at a time."""

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


class Mutation(NamedTuple):
    """One token of a model's SQL and what stands in its place.

    Attributes:
        position: number of the token, counted from the model's own first CTE.
        line: line of the compiled SQL, from 1.
        text: that line.
    """

    model: str
    position: int
    line: int
    text: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.model}: `{self.before}` -> `{self.after or '(nothing)'}` in: {self.text.strip()}"


def tokens_of(sql: str, first: int = 0) -> list[Token]:
    """Return the tokens of a text from the character `first` on."""
    return [token for token in DuckDB().tokenize(sql) if token.start >= first]


def mutations(model: str, sql: str) -> Iterator[Mutation]:
    """Yield every break of a model that is tried."""
    lines = sql.split("\n")
    tokens = tokens_of(sql, start_of_own(sql))
    for position, token in enumerate(tokens):
        after = _replacement(tokens, position)
        if after is not None:
            line = sql.count("\n", 0, token.start)
            yield Mutation(model, position, line + 1, lines[line], token.text, after)


def start_of_own(sql: str, first_cte: str | None = None) -> int:
    """Return where a model's own SQL begins: at its first CTE, behind those that dbt puts before it."""
    if first_cte is None:
        return max(sql.find("with"), 0)
    for head in (f"\n{first_cte} as (", f" {first_cte} as ("):
        if head in sql:
            return sql.rindex(head)
    raise ValueError(f"no CTE {first_cte}")


def mutated(sql: str, mutation: Mutation, first: int) -> str | None:
    """Return the SQL with the token replaced; None where another token is in its place."""
    tokens = tokens_of(sql, first)
    if mutation.position >= len(tokens) or tokens[mutation.position].text != mutation.before:
        return None
    token = tokens[mutation.position]
    return f"{sql[: token.start]}{mutation.after}{sql[token.end + 1 :]}"


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
