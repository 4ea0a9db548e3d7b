"""The types of an expression and of its parts, as DuckDB binds them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import duckdb
from sqlglot import exp

from orchestration.plans.language.scope import VARIABLE_TYPE, Fault, Scope, Wanted
from orchestration.plans.language.signs import NUMBER, placed
from orchestration.plans.language.vocabulary import COMPARISONS, WHOLE_DIGITS_MIN
from orchestration.plans.language.wording import how_to_write, noun_of, sql_of


class Types:
    """Lets DuckDB bind expressions over an empty table and judges the types that it finds."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(":memory:")
        self._connection.execute("set TimeZone = 'UTC'")
        # Stands for the exact division; only its type counts here.
        self._connection.execute(
            f"create macro divide(a, b) as cast(cast(a as {VARIABLE_TYPE}) + cast(b as {VARIABLE_TYPE}) as {VARIABLE_TYPE})"
        )

    def close(self) -> None:
        """Close the database in memory."""
        self._connection.close()

    def faults(self, text: str, tree: exp.Expr, wanted: Wanted, scope: Scope) -> list[Fault]:
        """Faults of the whole expression's type and of its parts' types."""
        try:
            whole, *parts = self._bind(
                [placed(text), *(p.sql(dialect="duckdb") for p in _parts(tree))], scope
            )
        except duckdb.Error:
            try:
                (whole,) = self._bind([placed(text)], scope)
            except duckdb.Error as error:
                return [_binder_fault(str(error), tree, scope)]
            parts = [self._type(part, scope) for part in _parts(tree)]
        types = dict(zip(map(id, _parts(tree)), parts, strict=True))
        faults = [fault for part in _parts(tree) for fault in self._part_faults(part, types)]
        return faults or list(_result_faults(whole, tree, wanted, scope))

    def _bind(self, texts: Iterable[str], scope: Scope) -> list[str]:
        """The types of expressions. Raises duckdb.Error when one of them does not bind."""
        texts = list(texts)
        columns = {**scope.fields}
        for text in texts:
            columns |= {name[1:-1]: VARIABLE_TYPE for name in re.findall(r'"@@[A-Za-z0-9_]+"', text)}
        row = ", ".join(f"cast(null as {kind}) as {_quoted(name)}" for name, kind in columns.items())
        picked = ", ".join(f"({text}\n)" for text in texts)
        described = self._connection.execute(f"describe select {picked} from (select {row or '1 as one'})")
        return [str(row[1]) for row in described.fetchall()]

    def _type(self, part: exp.Expr, scope: Scope) -> str:
        try:
            return self._bind([part.sql(dialect="duckdb")], scope)[0]
        except duckdb.Error:
            return ""

    def _part_faults(self, part: exp.Expr, types: Mapping[int, str]) -> Iterator[Fault]:
        kind = types[id(part)]
        if kind in ("DOUBLE", "FLOAT"):
            yield Fault(f"{sql_of(part)} gives a floating-point number", "Write it with exact decimals")
        size = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind)
        if isinstance(part, exp.Mul) and size and int(size[1]) - int(size[2]) < WHOLE_DIGITS_MIN:
            left = sql_of(part.this)
            yield Fault(
                f"{sql_of(part)} has room for {int(size[1]) - int(size[2])} digits before the decimal point only",
                f"Cut in between: cast({left} as decimal(28, 10)) * {sql_of(part.expression)}",
            )
        if isinstance(part, (exp.And, exp.Or, exp.Not)):
            for side in part.iter_expressions():
                if types.get(id(side), "BOOLEAN") not in ("BOOLEAN", ""):
                    word = part.key
                    yield Fault(
                        f"{sql_of(side)} beside {word} is not a condition",
                        "Write both conditions out, or several values as \"Type\" in ('A', 'B')",
                    )
        if isinstance(part, (*COMPARISONS, exp.In, exp.Between)):
            yield from self._side_faults(part, types)
        yield from self._constant_faults(part, kind)

    def _side_faults(self, part: exp.Expr, types: Mapping[int, str]) -> Iterator[Fault]:
        """Comparisons that DuckDB would turn into a conversion of each row, which one bad row stops."""
        sides = [part.this, *(side for side in part.iter_expressions() if side is not part.this)]
        for left, right in ((sides[0], side) for side in sides[1:]):
            for one, other in ((left, right), (right, left)):
                one_type, other_type = types.get(id(one), ""), types.get(id(other), "")
                if other.is_string and one_type not in ("VARCHAR", ""):
                    if not self._converts(other.name, one_type):
                        yield Fault(
                            f"{sql_of(one)} is {noun_of(one_type)} and '{other.name}' is none",
                            how_to_write(one_type),
                        )
                elif one_type == "VARCHAR" and not one.is_string and noun_of(other_type) == "a number":
                    yield Fault(
                        f"{sql_of(one)} is a text and {sql_of(other)} a number",
                        f"Write '{other.name}' in single quotes, or compare "
                        f"cast({sql_of(one)} as decimal(28, 10))"
                        if other.is_number
                        else f"Write cast({sql_of(one)} as decimal(28, 10))",
                    )

    def _constant_faults(self, part: exp.Expr, kind: str) -> Iterator[Fault]:
        """Texts in single quotes that stand for another type and cannot be read as it."""
        if isinstance(part, exp.Cast):
            constants = [part.this]
        elif isinstance(part, exp.Case):
            constants = [branch.args["true"] for branch in part.args["ifs"]] + [part.args.get("default")]
        elif isinstance(part, exp.If):
            constants = [part.args["true"], part.args.get("false")]
        elif isinstance(part, (exp.Coalesce, exp.Greatest, exp.Least)):
            constants = [part.this, *part.expressions]
        else:
            return
        if kind in ("VARCHAR", ""):
            return
        for constant in constants:
            is_text = isinstance(constant, exp.Literal) and constant.is_string
            if is_text and not self._converts(constant.name, kind):
                yield Fault(f"'{constant.name}' in {sql_of(part)} is not {noun_of(kind)}", how_to_write(kind))

    def _converts(self, text: str, kind: str) -> bool:
        found = self._connection.execute(f"select try_cast(? as {kind}) is not null", [text]).fetchone()
        return bool(found and found[0])


_TYPED = (
    exp.Between,
    exp.Binary,
    exp.Boolean,
    exp.Column,
    exp.Func,
    exp.In,
    exp.Literal,
    exp.Null,
    exp.Paren,
    exp.Unary,
)


def _parts(tree: exp.Expr) -> list[exp.Expr]:
    """The nodes that have a type of their own."""
    return [
        node
        for node in tree.walk(prune=lambda node: isinstance(node, (exp.Column, exp.DataType)))
        if isinstance(node, _TYPED)
        if not isinstance(node, exp.If) or not isinstance(node.parent, exp.Case)
        if not isinstance(node.parent, (exp.DataTypeParam, exp.Escape))
    ]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _binder_fault(said: str, tree: exp.Expr, scope: Scope) -> Fault:
    """DuckDB's refusal with a fix by the types that it speaks of."""
    message = said.splitlines()[0]
    message = re.sub(r"^\w[\w ]* Error: ", "", message).split(". You might need")[0]
    message = message.replace("_LITERAL", "").replace(" - an explicit cast is required", "").rstrip(".")
    if "DATE" in message or "TIMESTAMP" in message:
        return Fault(message, "Write a day as date '2024-01-31'")
    if "VARCHAR" in message:
        texts = [node for node in tree.find_all(exp.Column) if scope.fields.get(node.name) == "VARCHAR"]
        if texts:
            return Fault(
                message,
                f"Turn the text into a number, cast({sql_of(texts[0])} as decimal(28, 10)), or write "
                "texts in single quotes",
            )
        return Fault(message, "Write numbers without and texts in single quotes")
    if tree.find(exp.RegexpLike):
        return Fault(f"the pattern is not a regular expression: {message}", "Correct the pattern")
    return Fault(message, "Write values of one kind")


def _result_faults(kind: str, tree: exp.Expr, wanted: Wanted, scope: Scope) -> Iterator[Fault]:
    noun = noun_of(kind)
    if '"NULL"' in kind or kind == "NULL":
        yield Fault("it is always empty", "Leave the cell empty or write a value")
    elif wanted == "condition" and noun != "a condition":
        yield Fault(
            f"gives {noun}, not a condition", f"Write a comparison, {sql_of(tree)} > 0"
            if noun == "a number"
            else f"Write a comparison, {sql_of(tree)} = 'Reseller'"
            if noun == "a text"
            else "Write a comparison",
        )  # fmt: skip
    elif wanted == "number" and noun != "a number":
        yield Fault(f"gives {noun}, not a number", _number_fix(noun, tree, scope))
    elif wanted == "text" and noun != "a text":
        fix = (
            f"Write '{tree.name}' in single quotes"
            if tree.is_number
            else f"Write cast({sql_of(tree)} as varchar)"
        )
        yield Fault(f"gives {noun}, not a text", fix)
    elif wanted == "date" and noun != "a day":
        yield Fault(f"gives {noun}, not a day", f"Write cast({sql_of(tree)} as date)")


def _number_fix(noun: str, tree: exp.Expr, scope: Scope) -> str:
    if tree.is_string:
        if tree.name in scope.fields:
            return f'The field {tree.name} stands in double quotes: write "{tree.name}"'
        return (
            f"Write {tree.name} without quotation marks" if NUMBER.fullmatch(tree.name) else "Write a number"
        )
    if noun == "a text":
        return f"Write cast({sql_of(tree)} as decimal(28, 10))"
    if noun == "a condition":
        return f"Write case when {sql_of(tree)} then 1 else 0 end"
    return "Write a number"
