"""The list of what the plan language has, and of the functions that are refused by name."""

from __future__ import annotations

from sqlglot import exp

DIGITS_MAX = 38
# A product with less room before the decimal point would stop the run at an everyday amount.
WHOLE_DIGITS_MIN = 12
COMPARISONS = (
    exp.EQ,
    exp.NEQ,
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.NullSafeEQ,
    exp.NullSafeNEQ,
)
FUNCTIONS: dict[type[exp.Expr], str] = {
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
FUNCTION_NAMES = tuple(sorted({*FUNCTIONS.values(), "case", "cast", "divide", "if", "substr", "try_cast"}))
SYNTAX: tuple[type[exp.Expr], ...] = (
    *COMPARISONS,
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
CAST_TYPES = {
    exp.DType.DECIMAL,
    exp.DType.VARCHAR,
    exp.DType.TEXT,
    exp.DType.DATE,
    exp.DType.INT,
    exp.DType.BIGINT,
    exp.DType.BOOLEAN,
}
FLOAT_TYPES = {exp.DType.FLOAT, exp.DType.DOUBLE}
DATE_PARTS = {"YEAR", "QUARTER", "MONTH", "WEEK", "DAY"}
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
REFUSED_AS = {name: kind for kind, names in _REFUSED_FUNCTIONS.items() for name in names.split()}
