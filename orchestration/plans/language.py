"""The plan language: what an expression in a plan seed may say, checked before anything is calculated.

An expression is one scalar SQL expression (DuckDB) over the source object's own fields in double quotes,
``@@Variables``, numbers with a decimal point and texts in single quotes. Everything else is refused by name: what is
not on the list below could read a clock, look at other deals or leave exact decimals.

Data flow: text -> quotes and signs (`_read_signs`) -> syntax tree (sqlglot) -> each node against the list
(`_Tree`) -> types, bound by DuckDB over an empty table with the source's columns (`_Types`). Each step runs
only when the one before found nothing. Nothing is evaluated and nothing is written.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import duckdb
import sqlglot
from sqlglot import exp

Wanted = Literal["condition", "number", "text", "date"]

CATALOGUE_VALUE = "CatalogueValue"
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What variables and catalogue values are stored as.
VARIABLE_TYPE = "DECIMAL(28,10)"
DIGITS_MAX = 38
# A product with less room before the decimal point would stop the run at an everyday amount.
WHOLE_DIGITS_MIN = 12

_SIGN = re.compile(
    r"""(?P<text>'(?:[^']|'')*')
      | (?P<name>"(?:[^"]|"")*")
      | (?P<comment>--|/\*)
      | @@(?P<variable>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<curly>[‘’‚“”„«»])
      | (?P<percent>[0-9.]*[0-9]\s*%(?!\s*[("@0-9]))
      | (?P<underscore>[0-9][0-9.]*_[0-9_.]*)
      | (?P<bare_decimal>\b(?:decimal|numeric|dec)\b(?!\s*\())
      | (?P<word>[A-Za-z_]\w*)
      | (?P<open>['"])
      | (?P<sign>[;@$€£¥?])
      | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")

_COMPARISONS = (
    exp.EQ,
    exp.NEQ,
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.NullSafeEQ,
    exp.NullSafeNEQ,
)
_FUNCTIONS: dict[type[exp.Expr], str] = {
    exp.Abs: "abs",
    exp.Ceil: "ceil",
    exp.Coalesce: "coalesce",
    exp.Concat: "concat",
    exp.Contains: "contains",
    exp.Day: "day",
    exp.Extract: "extract",
    exp.Floor: "floor",
    exp.Greatest: "greatest",
    exp.Least: "least",
    exp.Left: "left",
    exp.Length: "length",
    exp.Lower: "lower",
    exp.Month: "month",
    exp.Nullif: "nullif",
    exp.Quarter: "quarter",
    exp.RegexpLike: "regexp_matches",
    exp.Right: "right",
    exp.Round: "round",
    exp.Sign: "sign",
    exp.StartsWith: "starts_with",
    exp.Substring: "substring",
    exp.Trim: "trim",
    exp.Upper: "upper",
    exp.Year: "year",
    exp.DateTrunc: "date_trunc",
    exp.TimestampTrunc: "date_trunc",
}
FUNCTION_NAMES = tuple(sorted({*_FUNCTIONS.values(), "case", "cast", "divide", "if", "substr", "try_cast"}))
_SYNTAX: tuple[type[exp.Expr], ...] = (
    *_COMPARISONS,
    exp.Add,
    exp.And,
    exp.Between,
    exp.Boolean,
    exp.Case,
    exp.DPipe,
    exp.DataTypeParam,
    exp.Escape,
    exp.ILike,
    exp.Identifier,
    exp.If,
    exp.Is,
    exp.Like,
    exp.Mul,
    exp.Neg,
    exp.Not,
    exp.Null,
    exp.Or,
    exp.Paren,
    exp.Sub,
)
_CAST_TYPES = {
    exp.DType.DECIMAL,
    exp.DType.VARCHAR,
    exp.DType.TEXT,
    exp.DType.DATE,
    exp.DType.INT,
    exp.DType.BIGINT,
    exp.DType.BOOLEAN,
}
_FLOAT_TYPES = {exp.DType.FLOAT, exp.DType.DOUBLE}
_DATE_PARTS = {"YEAR", "QUARTER", "MONTH", "WEEK", "DAY"}

_REFUSED_FUNCTIONS = {
    "clock": """
        age current_date current_datetime current_localtime current_localtimestamp current_time current_timestamp
        get_current_time get_current_timestamp getdate localtime localtimestamp now today transaction_timestamp
    """,
    "chance": "gen_random_uuid rand random setseed uuid uuidv4 uuidv7",
    "outside": """
        current_catalog current_database current_schema current_setting current_user getenv getvariable glob nextval
        parquet_scan read_blob read_csv read_csv_auto read_json read_json_auto read_parquet read_text session_user user
    """,
    "float": """
        acos asin atan atan2 cbrt cos cot degrees epoch even exp fdiv gamma ln log log10 log2 pi pow power radians
        sin sqrt tan
    """,
}
_REFUSED_AS = {name: kind for kind, names in _REFUSED_FUNCTIONS.items() for name in names.split()}


@dataclass(frozen=True)
class Fault:
    """What is wrong with an expression, and what to write instead (may be empty)."""

    message: str
    fix: str = ""


@dataclass(frozen=True)
class Scope:
    """What an expression may name.

    Attributes:
        source_object: "system/object" whose fields are known; None where fields have no meaning (quotas, rates).
        fields: DuckDB type of each field by its name as the source writes it.
        variables: names of the variables that have a value anywhere.
        catalogue: True where @@CatalogueValue stands for a value.
    """

    source_object: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    variables: frozenset[str] = frozenset()
    catalogue: bool = False


def variables_of(text: str) -> tuple[str, ...]:
    """The names of the @@variables of an expression, each once, in the order of the text."""
    found = (match["variable"] for match in _SIGN.finditer(text))
    return tuple(dict.fromkeys(name for name in found if name))


class ExpressionChecker:
    """Checks expressions; keeps one empty in-memory DuckDB for types. Close it, or use it in `with`."""

    def __init__(self) -> None:
        self._types = _Types()
        self._known: dict[tuple[str, Wanted, int], tuple[Fault, ...]] = {}
        self._scopes: list[Scope] = []

    def __enter__(self) -> ExpressionChecker:
        return self

    def __exit__(self, *_: object) -> None:
        self._types.close()

    def check(self, text: str, wanted: Wanted, scope: Scope) -> tuple[Fault, ...]:
        """Every fault of one expression that must give a condition, a number or a text."""
        if scope not in self._scopes:
            self._scopes.append(scope)
        key = (text, wanted, self._scopes.index(scope))
        if key not in self._known:
            try:
                self._known[key] = tuple(dict.fromkeys(self._faults(text, wanted, scope)))
            except RecursionError:
                self._known[key] = (Fault("it is nested too deeply", "Write it shorter"),)
        return self._known[key]

    def _faults(self, text: str, wanted: Wanted, scope: Scope) -> list[Fault]:
        faults = [*_read_signs(text), *_variable_faults(text, scope)]
        if faults:
            return faults
        tree = _parse(text)
        if isinstance(tree, Fault):
            return [tree]
        return list(_Tree(scope).faults(tree)) or self._types.faults(text, tree, wanted, scope)


# --- quotes, signs, variables ------------------------------------------------------------------------------


def _read_signs(text: str) -> Iterator[Fault]:
    """Faults that are seen before the syntax: a parser would drop them or explain them badly."""
    if not text.strip():
        yield Fault("nothing is written", "Leave the cell empty or write an expression")
    for match in _SIGN.finditer(text):
        found = match[0]
        match match.lastgroup:
            case "comment":
                yield Fault("a comment stands in it", "Write the remark in source_document")
            case "curly":
                yield Fault(
                    "the quotation marks are typographic ones", "Write ' around texts and \" around fields"
                )
            case "percent":
                number = found.rstrip("% ")
                yield Fault(f"{found} is not a number", f"Write it as a decimal, {_hundredth(number)}")
            case "underscore":
                yield Fault(f"{found} is not a decimal number", f"Write {found.replace('_', '')}")
            case "bare_decimal":
                yield Fault(f"{found} without a size keeps 3 decimals only", "Write decimal(28, 10)")
            case "open":
                inside = " (inside of a text an apostrophe is written twice: 'it''s')" if found == "'" else ""
                yield Fault(f"the quotation mark {found} is not closed", f"Write a second {found}{inside}")
            case "sign":
                yield _sign_fault(found)
            case "text" if "@@" in found:
                yield Fault(f"the text {found} contains @@", "Variables stand outside of quotation marks")
            case "name" if found.startswith('"@@'):
                yield Fault(f"{found} is a variable in quotation marks", f"Write {found[1:-1]}")


def _hundredth(number: str) -> str:
    digits = number.replace(".", "")
    decimals = len(number.partition(".")[2]) + 2
    padded = digits.zfill(decimals + 1)
    return f"{padded[:-decimals].lstrip('0') or '0'}.{padded[-decimals:]}"


def _sign_fault(sign: str) -> Fault:
    if sign == ";":
        return Fault("it is more than one statement", "Write one expression without ;")
    if sign == "@":
        return Fault("a single @ has no meaning", "A variable starts with two: @@Quota")
    return Fault(
        f"{sign} has no meaning", "Amounts are plain numbers, 12500.00; their currency is the plan's"
    )


def _variable_faults(text: str, scope: Scope) -> Iterator[Fault]:
    for name in variables_of(text):
        if name == CATALOGUE_VALUE:
            if not scope.catalogue:
                yield Fault(
                    f"@@{CATALOGUE_VALUE} has no value here",
                    "It stands in value_expression and payable_expression of a plan with a catalogue_id",
                )
        elif name not in scope.variables:
            known = sorted(scope.variables) + ([CATALOGUE_VALUE] if scope.catalogue else [])
            hint = _nearest(name, known)
            yield Fault(
                f"the variable @@{name} has no value in seeds/plans/variables.csv",
                f"Did you mean @@{hint}? If not, add a row with variable_name {name}"
                if hint
                else f"Add a row with variable_name {name}",
            )


# --- syntax ------------------------------------------------------------------------------------------------


def _placed(text: str) -> str:
    """The text with each @@Name as the quoted name "@@Name", which any SQL parser takes for a column."""
    return _SIGN.sub(lambda match: f'"{match[0]}"' if match["variable"] else match[0], text)


def _parse(text: str) -> exp.Expr | Fault:
    try:
        trees = sqlglot.parse(_placed(text), dialect="duckdb")
    except Exception:  # the parser meets broken texts with TypeError and others as well as its own errors
        trees = []
    tree = trees[0] if len(trees) == 1 else None
    if isinstance(tree, exp.Tuple):
        return _not_one()
    if not isinstance(tree, exp.Expr):
        return _not_one() if re.fullmatch(r"[0-9., ]+", text) else _syntax_fault(text)
    return tree


def _not_one() -> Fault:
    return Fault(
        "it is more than one expression",
        "Write numbers with a decimal point and without thousands separators, 12500.00",
    )


def _syntax_fault(text: str) -> Fault:
    """What DuckDB, whose messages are plainer, says of a text that is not one expression."""
    with duckdb.connect(":memory:") as connection:
        found = connection.execute(
            """
            select
              json_extract_string(parsed, '$.error_message'),
              json_array_length(parsed, '$.statements'),
              json_array_length(parsed, '$.statements[0].node.select_list')
            from (select json_serialize_sql(cast(? as varchar)) as parsed)
            """,
            [f"select ({_placed(text)}\n)"],
        ).fetchone()
    message, statements, values = found or (None, 0, 0)
    if not message and (statements, values) != (1, 1):
        return _not_one()
    said = str(message or "syntax error").splitlines()[0].replace('"@@', '"')
    return Fault(
        f"not a SQL expression: {said}",
        'Write an expression over the source\'s fields, for example "Amount" > 0',
    )


class _Tree:
    """Holds the nodes of a syntax tree against the list of what the plan language has."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def faults(self, node: exp.Expr) -> Iterator[Fault]:
        """Faults of the node and of what is below it; nothing below a refused node is told."""
        refused = self._refused(node)
        if refused:
            yield refused
            return
        yield from self._comparison_faults(node)
        if isinstance(node, exp.Column):
            return
        for child in node.iter_expressions():
            if not isinstance(child, (exp.DataType, exp.Var)):
                yield from self.faults(child)

    def _refused(self, node: exp.Expr) -> Fault | None:
        """Why the node has no place in an expression, else None."""
        if isinstance(node, exp.Column):
            return self._column_fault(node)
        if isinstance(node, exp.Literal):
            return _literal_fault(node)
        if isinstance(node, exp.Cast):
            return _cast_fault(node)
        if isinstance(node, (exp.Extract, exp.TimestampTrunc, exp.DateTrunc)):
            return _part_fault(node)
        if isinstance(node, exp.In):
            return _subquery(node) if set(node.args) - {"this", "expressions"} & _filled(node) else None
        if isinstance(node, exp.Anonymous) and node.name.lower() == "divide":
            return _divide_fault(node)
        if type(node) in _FUNCTIONS or isinstance(node, _SYNTAX):
            return None
        return _refusal(node)

    def _column_fault(self, node: exp.Column) -> Fault | None:
        name = node.name
        if node.table:
            return Fault(
                f"{_sql(node)} names a field of another table",
                f'An expression sees the fields of its own deal only; write "{name}"',
            )
        quoted = isinstance(node.this, exp.Identifier) and node.this.quoted
        if quoted and name.startswith("@@"):
            return None
        if self.scope.source_object is None:
            return self._no_fields_fault(name)
        if quoted and name in self.scope.fields:
            return None
        return self._unknown_name(node, name, quoted)

    def _no_fields_fault(self, name: str) -> Fault:
        near = _nearest(name, self.scope.variables)
        return Fault(
            f"names the field {name}, but this number belongs to a payee and a day, not to a deal",
            f"Did you mean @@{near}?" if near else "Write numbers and @@variables only",
        )

    def _unknown_name(self, node: exp.Column, name: str, quoted: bool) -> Fault:
        fields, variables = self.scope.fields, self.scope.variables
        near = _nearest(name, fields)
        same = near if near and near.lower() == name.lower() else None
        as_text = f"Did you mean the text '{name.replace(chr(39), chr(39) * 2)}' (in single quotes)?"
        is_compared = _is_compared_value(node)
        if quoted:
            if is_compared and not same:
                return Fault(f'there is no field "{name}" in {self.scope.source_object}', as_text)
            fix = f'Did you mean "{near}"?' if near else f"Known fields: {_listed(fields)}"
            return Fault(f'there is no field "{name}" in {self.scope.source_object}', fix)
        bare = f"the name {name} stands without quotation marks"
        variable = next((known for known in sorted(variables) if known.lower() == name.lower()), None)
        if same:
            return Fault(bare, f'Write "{same}"')
        if variable:
            return Fault(bare, f"Write @@{variable}")
        if is_compared:
            return Fault(bare, as_text)
        if near:
            return Fault(bare, f'Did you mean "{near}"?')
        return Fault(
            bare, "Write fields in double quotes, \"Amount\", and texts in single quotes, 'Reseller'"
        )

    def _comparison_faults(self, node: exp.Expr) -> Iterator[Fault]:
        if not isinstance(node, (*_COMPARISONS, exp.In, exp.Like, exp.ILike, exp.Between)):
            return
        sides = [node.this, *(side for side in node.iter_expressions() if side is not node.this)]
        if isinstance(node, exp.In) and any(isinstance(side, exp.Null) for side in sides):
            yield Fault(f"{_sql(node)} finds nothing by null", f"Write {_sql(node.this)} is null beside it")
        if isinstance(node, (exp.EQ, exp.NEQ)) and any(isinstance(side, exp.Null) for side in sides):
            said = "is not null" if isinstance(node, exp.NEQ) else "is null"
            other = next((side for side in sides if not isinstance(side, exp.Null)), sides[0])
            yield Fault(f"{_sql(node)} is never true", f"Write {_sql(other)} {said}")
        if any(
            not isinstance(part, (exp.Literal, exp.Paren, exp.Neg)) for side in sides for part in side.walk()
        ):
            return
        for side in sides:
            if side.is_string and side.name in self.scope.fields:
                yield Fault(
                    f"{_sql(node)} compares two texts",
                    f'The field {side.name} stands in double quotes: write "{side.name}"',
                )
                return


def _filled(node: exp.Expr) -> set[str]:
    return {name for name, value in node.args.items() if value not in (None, False, [])}


def _is_compared_value(node: exp.Expr) -> bool:
    """True on the right side of a comparison, where texts stand."""
    above: exp.Expr | None = node.parent
    return isinstance(above, (*_COMPARISONS, exp.In, exp.Like, exp.ILike)) and above.this is not node


def _literal_fault(node: exp.Literal) -> Fault | None:
    if node.is_string:
        return None
    written = node.name
    if re.fullmatch(r"[0-9.]+e[+-]?[0-9]+", written, re.IGNORECASE):
        return Fault(f"{written} is a floating-point number", f"Write it out, {_written_out(written)}")
    if not _NUMBER.fullmatch(written):
        return Fault(f"{written} is not a decimal number", "Write digits and a decimal point, 12500.00")
    if len(written.replace(".", "").lstrip("0")) > DIGITS_MAX:
        return Fault(f"{written} has more than {DIGITS_MAX} digits", "Write fewer digits")
    return None


def _written_out(number: str) -> str:
    mantissa, _, power = number.lower().partition("e")
    if len(mantissa) > DIGITS_MAX or abs(int(power)) > DIGITS_MAX:
        return "with fewer digits"
    whole, _, decimals = mantissa.partition(".")
    point = len(whole) + int(power)
    digits = whole + decimals
    if point <= 0:
        digits, point = "0" * (1 - point) + digits, 1
    digits = digits.ljust(point, "0")
    return f"{digits[:point].lstrip('0') or '0'}.{digits[point:]}".rstrip(".")


def _cast_fault(node: exp.Cast) -> Fault | None:
    wanted = node.to
    if wanted.this in _FLOAT_TYPES:
        return Fault(f"{_sql(node)} gives a floating-point number", "Write cast(... as decimal(28, 10))")
    if wanted.this not in _CAST_TYPES:
        return Fault(
            f"cast to {wanted.sql(dialect='duckdb').lower()} is not part of the plan language",
            "Cast to decimal(28, 10), varchar, date, integer, bigint or boolean",
        )
    return None


def _part_fault(node: exp.Expr) -> Fault | None:
    unit = node.this if isinstance(node, exp.Extract) else node.args.get("unit")
    name = unit.name.upper() if isinstance(unit, exp.Expr) else ""
    if name in _DATE_PARTS:
        return None
    known = ", ".join(sorted(part.lower() for part in _DATE_PARTS))
    return Fault(f"{_sql(node)} takes a part of a date that is not known", f"Take one of: {known}")


def _divide_fault(node: exp.Anonymous) -> Fault | None:
    if len(node.expressions) != 2:
        return Fault(f"divide takes two numbers, not {len(node.expressions)}", "Write divide(a, b)")
    divisor = node.expressions[1]
    if divisor.is_number and not divisor.name.strip("0."):
        return Fault(f"{_sql(node)} divides by zero", "Correct the divisor")
    return None


def _subquery(node: exp.Expr) -> Fault:
    return Fault(
        f"{_sql(node)} reads other rows", "An expression sees the fields of its own deal and @@variables only"
    )


def _refusal(node: exp.Expr) -> Fault:
    """The message for a node that is not on the list."""
    if isinstance(node, (exp.Query, exp.Subquery, exp.Exists, exp.UDTF)):
        return _subquery(node)
    if node.parent is None and not isinstance(node, (exp.Condition, exp.Alias, exp.Star, exp.Interval)):
        return Fault("it is a statement, not an expression", "Write a condition or a value")
    if isinstance(node, exp.Window):
        return Fault(f"{_sql(node)} looks at other deals", "A running total is the plan's attainment")
    if isinstance(node, (exp.Star, exp.Columns)):
        return Fault("* stands for all fields", "Name the fields that you mean")
    if isinstance(node, (exp.Div, exp.IntDiv)):
        return Fault(
            f"{_sql(node)} divides with /, which leaves exact decimals",
            f"Write divide({_sql(node.this)}, {_sql(node.expression)})",
        )
    if isinstance(node, exp.Alias):
        return Fault(
            f"{node.alias} stands after the expression", f"Delete it, or put an operator before {node.alias}"
        )
    if isinstance(node, exp.Func) and not isinstance(node, exp.Array):
        return _function_fault(node)
    return Fault(
        f"{_sql(node)} is not part of the plan language",
        'It has comparisons, + - *, and, or, not, case, in, between, like, is null and plain functions, lower("Type")',
    )


def _function_fault(node: exp.Expr) -> Fault:
    name = node.name if isinstance(node, exp.Anonymous) else _function_name(node)
    lower = name.lower()
    kind = _REFUSED_AS.get(lower)
    if kind == "clock":
        return Fault(f"{lower} reads a clock", "The same deal must always give the same amount; name a day")
    if kind == "chance":
        return Fault(f"{lower} gives another value in each run", "Name the value")
    if kind == "outside":
        return Fault(
            f"{lower} reads what is outside of the deal", "Put the number into seeds/plans/variables.csv"
        )
    if kind == "float":
        return Fault(f"{_sql(node)} leaves exact decimals", "Write it with + - * and divide(a, b)")
    if isinstance(node, exp.AggFunc):
        other = {exp.Max: "greatest", exp.Min: "least"}.get(type(node))
        return Fault(
            f"{lower} looks at several deals; an expression sees one",
            f"For the values of one deal write {other}(a, b)"
            if other
            else "Deals are added up by the plan's aggregate_code and calendar_id",
        )
    near = difflib.get_close_matches(lower, FUNCTION_NAMES, n=1)
    return Fault(
        f"the function {lower} is not part of the plan language",
        f"Did you mean {near[0]}?" if near else f"Known functions: {', '.join(FUNCTION_NAMES)}",
    )


def _function_name(node: exp.Expr) -> str:
    """The function as it is written; a name that the parser replaced is taken from the generated SQL."""
    written = re.match(r"([A-Za-z_][A-Za-z0-9_.]*)", _sql(node))
    return written[1] if written else node.key


def _sql(node: exp.Expr) -> str:
    """The node as SQL for a message, with variables as they are typed."""
    try:
        text = node.sql(dialect="duckdb", normalize_functions="lower")
    except Exception:  # a function without its arguments cannot be written out
        return node.key
    return re.sub(r'"(@@[A-Za-z0-9_]+)"', r"\1", text)


# --- types -------------------------------------------------------------------------------------------------


class _Types:
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
                [_placed(text), *(p.sql(dialect="duckdb") for p in _parts(tree))], scope
            )
        except duckdb.Error:
            try:
                (whole,) = self._bind([_placed(text)], scope)
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
            yield Fault(f"{_sql(part)} gives a floating-point number", "Write it with exact decimals")
        size = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind)
        if isinstance(part, exp.Mul) and size and int(size[1]) - int(size[2]) < WHOLE_DIGITS_MIN:
            left = _sql(part.this)
            yield Fault(
                f"{_sql(part)} has room for {int(size[1]) - int(size[2])} digits before the decimal point only",
                f"Cut in between: cast({left} as decimal(28, 10)) * {_sql(part.expression)}",
            )
        if isinstance(part, (exp.And, exp.Or, exp.Not)):
            for side in part.iter_expressions():
                if types.get(id(side), "BOOLEAN") not in ("BOOLEAN", ""):
                    word = part.key
                    yield Fault(
                        f"{_sql(side)} beside {word} is not a condition",
                        "Write both conditions out, or several values as \"Type\" in ('A', 'B')",
                    )
        if isinstance(part, (*_COMPARISONS, exp.In, exp.Between)):
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
                            f"{_sql(one)} is {_noun(one_type)} and '{other.name}' is none", _how(one_type)
                        )
                elif one_type == "VARCHAR" and not one.is_string and _noun(other_type) == "a number":
                    yield Fault(
                        f"{_sql(one)} is a text and {_sql(other)} a number",
                        f"Write '{other.name}' in single quotes, or compare "
                        f"cast({_sql(one)} as decimal(28, 10))"
                        if other.is_number
                        else f"Write cast({_sql(one)} as decimal(28, 10))",
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
                yield Fault(f"'{constant.name}' in {_sql(part)} is not {_noun(kind)}", _how(kind))

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


def _noun(kind: str) -> str:
    if kind.startswith("DECIMAL") or "INT" in kind or kind in ("BIGNUM", "DOUBLE", "FLOAT"):
        return "a number"
    if kind.startswith("TIMESTAMP"):
        return "an instant"
    return {"VARCHAR": "a text", "BOOLEAN": "a condition", "DATE": "a day"}.get(kind, kind.lower())


def _how(kind: str) -> str:
    return {
        "a number": "Write a number with a decimal point, 12500.00",
        "a day": "Write a day as date '2024-01-31'",
        "a condition": "Write true or false without quotation marks",
        "an instant": "Write an instant as '2024-01-31 00:00:00'",
    }.get(_noun(kind), "Compare values of one kind")


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
                f"Turn the text into a number, cast({_sql(texts[0])} as decimal(28, 10)), or write "
                "texts in single quotes",
            )
        return Fault(message, "Write numbers without and texts in single quotes")
    if tree.find(exp.RegexpLike):
        return Fault(f"the pattern is not a regular expression: {message}", "Correct the pattern")
    return Fault(message, "Write values of one kind")


def _result_faults(kind: str, tree: exp.Expr, wanted: Wanted, scope: Scope) -> Iterator[Fault]:
    noun = _noun(kind)
    if '"NULL"' in kind or kind == "NULL":
        yield Fault("it is always empty", "Leave the cell empty or write a value")
    elif wanted == "condition" and noun != "a condition":
        yield Fault(
            f"gives {noun}, not a condition", f"Write a comparison, {_sql(tree)} > 0"
            if noun == "a number"
            else f"Write a comparison, {_sql(tree)} = 'Reseller'"
            if noun == "a text"
            else "Write a comparison",
        )  # fmt: skip
    elif wanted == "number" and noun != "a number":
        yield Fault(f"gives {noun}, not a number", _number_fix(noun, tree, scope))
    elif wanted == "text" and noun != "a text":
        fix = (
            f"Write '{tree.name}' in single quotes"
            if tree.is_number
            else f"Write cast({_sql(tree)} as varchar)"
        )
        yield Fault(f"gives {noun}, not a text", fix)
    elif wanted == "date" and noun != "a day":
        yield Fault(f"gives {noun}, not a day", f"Write cast({_sql(tree)} as date)")


def _number_fix(noun: str, tree: exp.Expr, scope: Scope) -> str:
    if tree.is_string:
        if tree.name in scope.fields:
            return f'The field {tree.name} stands in double quotes: write "{tree.name}"'
        return (
            f"Write {tree.name} without quotation marks" if _NUMBER.fullmatch(tree.name) else "Write a number"
        )
    if noun == "a text":
        return f"Write cast({_sql(tree)} as decimal(28, 10))"
    if noun == "a condition":
        return f"Write case when {_sql(tree)} then 1 else 0 end"
    return "Write a number"


def _nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that differs in capitals only, else the nearest one."""
    names = sorted(known)
    same = [other for other in names if other.lower() == name.lower()]
    near = same or difflib.get_close_matches(name, names, n=1)
    if not near:
        lowered = {other.lower(): other for other in names}
        near = [lowered[other] for other in difflib.get_close_matches(name.lower(), lowered, n=1)]
    return near[0] if near else None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in sorted(names))
