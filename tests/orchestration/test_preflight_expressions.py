"""The plan language: what an expression may say, and what is said of everything else."""

import decimal

import duckdb
import pytest

from orchestration.plans.language import ExpressionChecker, Scope, Wanted, variables_of

DEAL = Scope(
    "crm/Opportunity",
    {
        "Amount": "DECIMAL(28,8)",
        "Type": "VARCHAR",
        "StageName": "VARCHAR",
        "CloseDate": "DATE",
        "CreatedDate": "TIMESTAMP WITH TIME ZONE",
        "IsWon": "BOOLEAN",
        "Seats": "BIGINT",
        "Margin__c": "VARCHAR",
    },
    frozenset({"Quota", "BaseRate"}),
    catalogue=True,
)
NUMBER = Scope(variables=frozenset({"Quota", "BaseRate", "TargetIncentive"}))
ROW = """
    select 5.5::decimal(28, 8) as "Amount", 'New' as "Type", 'Won' as "StageName", date '2024-01-31' as "CloseDate",
      timestamptz '2024-01-31 00:00:00+00' as "CreatedDate", true as "IsWon", 3::bigint as "Seats",
      '1.5' as "Margin__c", 2::decimal(28, 10) as "@@Quota", 2::decimal(28, 10) as "@@BaseRate",
      2::decimal(28, 10) as "@@CatalogueValue"
"""


@pytest.fixture(scope="module")
def checker() -> ExpressionChecker:
    return ExpressionChecker()


def faults(checker: ExpressionChecker, text: str, wanted: Wanted, scope: Scope = DEAL) -> list[str]:
    return [f"{fault.message}. {fault.fix}" for fault in checker.check(text, wanted, scope)]


ALLOWED: list[tuple[str, Wanted]] = [
    ("\"Type\" = 'Reseller'", "condition"),
    ("\"Type\" in ('A','B') and not \"IsWon\" or \"CloseDate\" >= date '2024-01-01'", "condition"),
    ('"Amount" * @@BaseRate', "number"),
    ('divide("Amount", @@Quota) * 2', "number"),
    ("case when \"Type\" = 'A' then 1 else 0.5 end", "number"),
    ("case \"Type\" when 'New' then 1 end", "number"),
    ('cast("Margin__c" as decimal(18,2)) * 2', "number"),
    ('try_cast("Margin__c" as decimal(18,2))', "number"),
    ('extract(year from "CloseDate") = 2024', "condition"),
    ("date_trunc('month', \"CloseDate\") = date '2024-01-01'", "condition"),
    ("upper(trim(left(\"Type\", 3))) || 'x'", "text"),
    ("\"Type\" ilike '%x%' and regexp_matches(\"Type\", '^a')", "condition"),
    ('"Amount" is not null', "condition"),
    ('"Amount" is distinct from 5', "condition"),
    ('coalesce("Amount", 0)', "number"),
    ('greatest(least("Amount", 5), 0.5)', "number"),
    ('@@CatalogueValue * "Seats"', "number"),
    ('"IsWon"', "condition"),
    ("true", "condition"),
    ("1", "number"),
    ('round("Amount", 2)', "number"),
    ('if("IsWon", 1, 0)', "number"),
    ("\"Type\" not like 'a!%' escape '!'", "condition"),
    ('"Amount" between 1 and 2', "condition"),
    ('sign("Amount") * abs("Amount") - floor("Amount") + ceil("Amount")', "number"),
    ('substr("Type", 1, 2)', "text"),
    ('concat("Type", \'-\', cast("Seats" as varchar))', "text"),
    ("starts_with(\"Type\", 'a') or contains(\"Type\", 'b')", "condition"),
    ('length("Type") > 3', "condition"),
    ("\"CloseDate\" + 30 > date '2024-01-31'", "condition"),
    ("'275'", "text"),
    ("cast(\"CreatedDate\" as date) >= '2024-01-01'", "condition"),
    ('nullif("Amount", 0)', "number"),
    ('-"Amount"', "number"),
    ('"Amount"::decimal(28,10)', "number"),
    ('year("CloseDate") = 2024', "condition"),
    ('case when ("IsWon") then ("Amount") end', "number"),
]


@pytest.mark.parametrize(("text", "wanted"), ALLOWED)
def test_an_allowed_expression_is_silent_and_gives_no_float(
    checker: ExpressionChecker, text: str, wanted: Wanted
) -> None:
    assert faults(checker, text, wanted) == []
    with duckdb.connect(":memory:") as connection:
        connection.execute("create macro divide(a, b) as cast(a // b as decimal(28, 10))")
        sql = text
        for name in variables_of(text):
            sql = sql.replace(f"@@{name}", f'"@@{name}"')
        found = connection.execute(f"select ({sql}) from ({ROW})").fetchone()
    assert found is not None
    kinds: dict[Wanted, type | tuple[type, ...]] = {
        "condition": bool,
        "number": (decimal.Decimal, int),
        "text": str,
    }
    assert isinstance(found[0], kinds[wanted])


REFUSED: list[tuple[str, Wanted, list[str]]] = [
    (
        "\"Typ\" = 'Reseller'",
        "condition",
        ['there is no field "Typ" in crm/Opportunity. Did you mean "Type"?'],
    ),
    ("\"type\" = 'x'", "condition", ['there is no field "type" in crm/Opportunity. Did you mean "Type"?']),
    ("Type = 'x'", "condition", ['the name Type stands without quotation marks. Write "Type"']),
    (
        '"StageName" = "Closed Won"',
        "condition",
        [
            "there is no field \"Closed Won\" in crm/Opportunity. Did you mean the text 'Closed Won' (in single quotes)?"
        ],
    ),
    (
        '"StageName" = Closed',
        "condition",
        [
            "the name Closed stands without quotation marks. Did you mean the text 'Closed' (in single quotes)?"
        ],
    ),
    (
        "'Type' = 'Reseller'",
        "condition",
        ["'Type' = 'Reseller' compares two texts. The field Type stands in double quotes: write \"Type\""],
    ),
    (
        "'Amount'",
        "number",
        ['gives a text, not a number. The field Amount stands in double quotes: write "Amount"'],
    ),
    (
        '"Amount" / 2',
        "number",
        ['"Amount" / 2 divides with /, which leaves exact decimals. Write divide("Amount", 2)'],
    ),
    ('"Amount" * 5%', "number", ["5% is not a number. Write it as a decimal, 0.05"]),
    ("5%", "number", ["5% is not a number. Write it as a decimal, 0.05"]),
    ("1e3", "number", ["1e3 is a floating-point number. Write it out, 1000"]),
    ('"Amount" * 1.5e-2', "number", ["1.5e-2 is a floating-point number. Write it out, 0.015"]),
    (
        'sum("Amount")',
        "number",
        [
            "sum looks at several deals; an expression sees one. Deals are added up by the plan's aggregate_code and calendar_id"
        ],
    ),
    (
        'max("Amount", 0)',
        "number",
        [
            "max looks at several deals; an expression sees one. For the values of one deal write greatest(a, b)"
        ],
    ),
    (
        'max("Amount")',
        "number",
        [
            "max looks at several deals; an expression sees one. For the values of one deal write greatest(a, b)"
        ],
    ),
    (
        "row_number() over ()",
        "number",
        ["row_number() OVER () looks at other deals. A running total is the plan's attainment"],
    ),
    (
        '"CloseDate" < current_date',
        "condition",
        ["current_date reads a clock. The same deal must always give the same amount; name a day"],
    ),
    (
        '"CloseDate" < now()',
        "condition",
        ["now reads a clock. The same deal must always give the same amount; name a day"],
    ),
    (
        'today() > "CloseDate"',
        "condition",
        ["current_date reads a clock. The same deal must always give the same amount; name a day"],
    ),
    ("random() < 0.5", "condition", ["random gives another value in each run. Name the value"]),
    (
        "getenv('X') = 'a'",
        "condition",
        ["getenv reads what is outside of the deal. Put the number into seeds/plans/variables.csv"],
    ),
    (
        "(select 1)",
        "number",
        ["(SELECT 1) reads other rows. An expression sees the fields of its own deal and @@variables only"],
    ),
    (
        '"Amount" in (select 1)',
        "condition",
        [
            '"Amount" IN (SELECT 1) reads other rows. An expression sees the fields of its own deal and @@variables only'
        ],
    ),
    (
        "exists (select 1)",
        "condition",
        [
            "EXISTS(SELECT 1) reads other rows. An expression sees the fields of its own deal and @@variables only"
        ],
    ),
    ("*", "number", ["* stands for all fields. Name the fields that you mean"]),
    (
        "count(*)",
        "number",
        [
            "count looks at several deals; an expression sees one. Deals are added up by the plan's aggregate_code and calendar_id"
        ],
    ),
    (
        'o."Amount"',
        "number",
        [
            'o."Amount" names a field of another table. An expression sees the fields of its own deal only; write "Amount"'
        ],
    ),
    (
        '"Amount" total',
        "number",
        ["total stands after the expression. Delete it, or put an operator before total"],
    ),
    (
        "1, 2",
        "number",
        [
            "it is more than one expression. Write numbers with a decimal point and without thousands separators, 12500.00"
        ],
    ),
    (
        "1), (2",
        "number",
        [
            "it is more than one expression. Write numbers with a decimal point and without thousands separators, 12500.00"
        ],
    ),
    ("1; 2", "number", ["it is more than one statement. Write one expression without ;"]),
    ('"Amount" -- net', "number", ["a comment stands in it. Write the remark in source_document"]),
    (
        "0,05",
        "number",
        [
            "it is more than one expression. Write numbers with a decimal point and without thousands separators, 12500.00"
        ],
    ),
    (
        "1,000.50",
        "number",
        [
            "it is more than one expression. Write numbers with a decimal point and without thousands separators, 12500.00"
        ],
    ),
    (
        "$100",
        "number",
        ["$ has no meaning. Amounts are plain numbers, 12500.00; their currency is the plan's"],
    ),
    (
        "€100",
        "number",
        ["€ has no meaning. Amounts are plain numbers, 12500.00; their currency is the plan's"],
    ),
    ("@Quota", "number", ["a single @ has no meaning. A variable starts with two: @@Quota"]),
    (
        "@@quota",
        "number",
        [
            "the variable @@quota has no value in seeds/plans/variables.csv. Did you mean @@Quota? If not, add a row with variable_name quota"
        ],
    ),
    (
        "@@Qota",
        "number",
        [
            "the variable @@Qota has no value in seeds/plans/variables.csv. Did you mean @@Quota? If not, add a row with variable_name Qota"
        ],
    ),
    (
        "@@Nothing",
        "number",
        [
            "the variable @@Nothing has no value in seeds/plans/variables.csv. Add a row with variable_name Nothing"
        ],
    ),
    ('"@@Quota"', "number", ['"@@Quota" is a variable in quotation marks. Write @@Quota']),
    ("'@@Quota'", "number", ["the text '@@Quota' contains @@. Variables stand outside of quotation marks"]),
    ('"Amount"', "condition", ['gives a number, not a condition. Write a comparison, "Amount" > 0']),
    ('"Type"', "condition", ["gives a text, not a condition. Write a comparison, \"Type\" = 'Reseller'"]),
    ('"IsWon"', "number", ['gives a condition, not a number. Write case when "IsWon" then 1 else 0 end']),
    ('"Type"', "number", ['gives a text, not a number. Write cast("Type" as decimal(28, 10))']),
    ('"Amount"', "text", ['gives a number, not a text. Write cast("Amount" as varchar)']),
    ("275", "text", ["gives a number, not a text. Write '275' in single quotes"]),
    ("null", "number", ["it is always empty. Leave the cell empty or write a value"]),
    ('"Amount" = null', "condition", ['"Amount" = NULL is never true. Write "Amount" is null']),
    ('"Amount" <> null', "condition", ['"Amount" <> NULL is never true. Write "Amount" is not null']),
    (
        '"Type" = 5',
        "condition",
        [
            '"Type" is a text and 5 a number. Write \'5\' in single quotes, or compare cast("Type" as decimal(28, 10))'
        ],
    ),
    (
        '"Margin__c" > 100',
        "condition",
        [
            'Cannot compare values of type VARCHAR and type INTEGER. Turn the text into a number, cast("Margin__c" as decimal(28, 10)), or write texts in single quotes'
        ],
    ),
    (
        "\"Type\" = 'A' or 'B'",
        "condition",
        [
            "'B' beside or is not a condition. Write both conditions out, or several values as \"Type\" in ('A', 'B')"
        ],
    ),
    (
        "\"Amount\" > 'abc'",
        "condition",
        ["\"Amount\" is a number and 'abc' is none. Write a number with a decimal point, 12500.00"],
    ),
    (
        '"CloseDate" > 2024-01-01',
        "condition",
        ["Cannot compare values of type DATE and type INTEGER. Write a day as date '2024-01-31'"],
    ),
    (
        "\"CloseDate\" > '31.01.2024'",
        "condition",
        ["\"CloseDate\" is a day and '31.01.2024' is none. Write a day as date '2024-01-31'"],
    ),
    (
        '"Margin__c" * 2',
        "number",
        [
            "No function matches the given name and argument types '*(VARCHAR, INTEGER)'. Turn the text into a number, cast(\"Margin__c\" as decimal(28, 10)), or write texts in single quotes"
        ],
    ),
    (
        'cast("Margin__c" as decimal)',
        "number",
        ["decimal without a size keeps 3 decimals only. Write decimal(28, 10)"],
    ),
    (
        'cast("Margin__c" as double)',
        "number",
        ['CAST("Margin__c" AS DOUBLE) gives a floating-point number. Write cast(... as decimal(28, 10))'],
    ),
    (
        'cast("Margin__c" as timestamp)',
        "number",
        [
            "cast to timestamp is not part of the plan language. Cast to decimal(28, 10), varchar, date, integer, bigint or boolean"
        ],
    ),
    (
        'extract(epoch from "CloseDate")',
        "number",
        [
            'EXTRACT(EPOCH FROM "CloseDate") takes a part of a date that is not known. Take one of: day, month, quarter, week, year'
        ],
    ),
    (
        '"Amount" * @@BaseRate * @@Quota',
        "number",
        [
            '"Amount" * @@BaseRate * @@Quota has room for 10 digits before the decimal point only. Cut in between: cast("Amount" * @@BaseRate as decimal(28, 10)) * @@Quota'
        ],
    ),
    (
        "“Type” = ‘x’",
        "condition",
        ["the quotation marks are typographic ones. Write ' around texts and \" around fields"],
    ),
    (
        '"Type" = \'x',
        "condition",
        [
            "the quotation mark ' is not closed. Write a second ' (inside of a text an apostrophe is written twice: 'it''s')"
        ],
    ),
    (
        'sqrt("Amount")',
        "number",
        ['sqrt("Amount") leaves exact decimals. Write it with + - * and divide(a, b)'],
    ),
    (
        '"Amount" ^ 2',
        "number",
        ['power("Amount", 2) leaves exact decimals. Write it with + - * and divide(a, b)'],
    ),
    (
        'power("Amount", 2)',
        "number",
        ['power("Amount", 2) leaves exact decimals. Write it with + - * and divide(a, b)'],
    ),
    (
        '"Amount" % 2',
        "number",
        [
            '"Amount" % 2 is not part of the plan language. It has comparisons, + - *, and, or, not, case, in, between, like, is null and plain functions, lower("Type")'
        ],
    ),
    ('uper("Type")', "text", ["the function uper is not part of the plan language. Did you mean upper?"]),
    ("delete from x", "condition", ["it is a statement, not an expression. Write a condition or a value"]),
    ("drop table x", "condition", ["it is a statement, not an expression. Write a condition or a value"]),
    (
        '"Type".lower()',
        "text",
        [
            '"Type".lower() is not part of the plan language. It has comparisons, + - *, and, or, not, case, in, between, like, is null and plain functions, lower("Type")'
        ],
    ),
    ('divide("Amount")', "number", ["divide takes two numbers, not 1. Write divide(a, b)"]),
    ('divide("Amount", 0)', "number", ['divide("Amount", 0) divides by zero. Correct the divisor']),
    ("divide(1, 0.0)", "number", ["divide(1, 0.0) divides by zero. Correct the divisor"]),
    (
        "interval 1 day",
        "text",
        [
            "INTERVAL '1' DAY is not part of the plan language. It has comparisons, + - *, and, or, not, case, in, between, like, is null and plain functions, lower(\"Type\")"
        ],
    ),
    (
        "regexp_matches(\"Type\", '(')",
        "condition",
        ["the pattern is not a regular expression: missing ): (. Correct the pattern"],
    ),
    (
        "\"Type\" = 'x' and",
        "condition",
        [
            'not a SQL expression: syntax error at or near ")". Write an expression over the source\'s fields, for example "Amount" > 0'
        ],
    ),
    ("  ", "condition", ["nothing is written. Leave the cell empty or write an expression"]),
    ("1_000", "number", ["1_000 is not a decimal number. Write 1000"]),
    ("0x10", "number", ["x10 stands after the expression. Delete it, or put an operator before x10"]),
    (
        "$$a$$",
        "text",
        ["$ has no meaning. Amounts are plain numbers, 12500.00; their currency is the plan's"],
    ),
    (
        "e'a'",
        "text",
        [
            "e'a' is not part of the plan language. It has comparisons, + - *, and, or, not, case, in, between, like, is null and plain functions, lower(\"Type\")"
        ],
    ),
    (
        "read_csv('x')",
        "number",
        ["read_csv reads what is outside of the deal. Put the number into seeds/plans/variables.csv"],
    ),
    (
        "[1,2]",
        "number",
        [
            '[1, 2] is not part of the plan language. It has comparisons, + - *, and, or, not, case, in, between, like, is null and plain functions, lower("Type")'
        ],
    ),
    (
        '"Amount"[1]',
        "number",
        [
            '"Amount"[1] is not part of the plan language. It has comparisons, + - *, and, or, not, case, in, between, like, is null and plain functions, lower("Type")'
        ],
    ),
    ("uuid()", "text", ["uuid gives another value in each run. Name the value"]),
    (
        "localtimestamp",
        "condition",
        ["localtimestamp reads a clock. The same deal must always give the same amount; name a day"],
    ),
    (
        "case when \"IsWon\" then 1 else 'x' end",
        "number",
        [
            "'x' in CASE WHEN \"IsWon\" THEN 1 ELSE 'x' END is not a number. Write a number with a decimal point, 12500.00"
        ],
    ),
    (
        'case when "IsWon" then 1 else "Type" end',
        "number",
        [
            'Cannot mix values of type VARCHAR and INTEGER in CASE expression. Turn the text into a number, cast("Type" as decimal(28, 10)), or write texts in single quotes'
        ],
    ),
    (
        '"Closed Won"',
        "condition",
        ['there is no field "Closed Won" in crm/Opportunity. Did you mean "CloseDate"?'],
    ),
    ("Amount > 0", "condition", ['the name Amount stands without quotation marks. Write "Amount"']),
    ("quota * 2", "number", ["the name quota stands without quotation marks. Write @@Quota"]),
    (
        "\"Type\" = 'it's'",
        "condition",
        [
            "the quotation mark ' is not closed. Write a second ' (inside of a text an apostrophe is written twice: 'it''s')"
        ],
    ),
    (
        'avg("Amount")',
        "number",
        [
            "avg looks at several deals; an expression sees one. Deals are added up by the plan's aggregate_code and calendar_id"
        ],
    ),
    (
        'list_sum("Amount")',
        "number",
        [
            "the function list_sum is not part of the plan language. Known functions: abs, case, cast, ceil, coalesce, concat, contains, date_trunc, day, divide, extract, floor, greatest, if, least, left, length, lower, month, nullif, quarter, regexp_matches, right, round, sign, starts_with, substr, substring, trim, try_cast, upper, year"
        ],
    ),
    (
        "unnest([1])",
        "number",
        ["unnest([1]) reads other rows. An expression sees the fields of its own deal and @@variables only"],
    ),
    (
        "date '2024-13-01' < \"CloseDate\"",
        "condition",
        ["'2024-13-01' in CAST('2024-13-01' AS DATE) is not a day. Write a day as date '2024-01-31'"],
    ),
    (
        '"Amount" not in (1, null)',
        "condition",
        ['"Amount" IN (1, NULL) finds nothing by null. Write "Amount" is null beside it'],
    ),
    (
        "cast('abc' as decimal(10,2))",
        "number",
        [
            "'abc' in CAST('abc' AS DECIMAL(10, 2)) is not a number. Write a number with a decimal point, 12500.00"
        ],
    ),
    (
        "100000000000000000000000000000000000000000",
        "number",
        ["100000000000000000000000000000000000000000 has more than 38 digits. Write fewer digits"],
    ),
    ("columns('a')", "number", ["* stands for all fields. Name the fields that you mean"]),
    ("#1", "number", ["it is a statement, not an expression. Write a condition or a value"]),
    ("?", "number", ["? has no meaning. Amounts are plain numbers, 12500.00; their currency is the plan's"]),
    (
        "\"Amount\" similar to 'x'",
        "condition",
        [
            '"Amount" SIMILAR TO \'x\' is not part of the plan language. It has comparisons, + - *, and, or, not, case, in, between, like, is null and plain functions, lower("Type")'
        ],
    ),
    (
        "\"Type\" glob 'x'",
        "condition",
        [
            '"Type" GLOB \'x\' is not part of the plan language. It has comparisons, + - *, and, or, not, case, in, between, like, is null and plain functions, lower("Type")'
        ],
    ),
    (
        "from x",
        "number",
        [
            "SELECT * FROM x reads other rows. An expression sees the fields of its own deal and @@variables only"
        ],
    ),
    (
        "values (1)",
        "number",
        ["VALUES (1) reads other rows. An expression sees the fields of its own deal and @@variables only"],
    ),
    ("pi()", "number", ["pi() leaves exact decimals. Write it with + - * and divide(a, b)"]),
    (
        "current_setting('x')",
        "text",
        ["current_setting reads what is outside of the deal. Put the number into seeds/plans/variables.csv"],
    ),
    (
        '"Amount" = any(1)',
        "condition",
        [
            'ANY(1) is not part of the plan language. It has comparisons, + - *, and, or, not, case, in, between, like, is null and plain functions, lower("Type")'
        ],
    ),
    (
        "1 = 1 union select 2",
        "condition",
        [
            "1 = 1 UNION SELECT 2 reads other rows. An expression sees the fields of its own deal and @@variables only"
        ],
    ),
    (
        'last_day("CloseDate")',
        "text",
        ["the function last_day is not part of the plan language. Did you mean least?"],
    ),
    (
        'grouping("Amount")',
        "number",
        [
            "grouping looks at several deals; an expression sees one. Deals are added up by the plan's aggregate_code and calendar_id"
        ],
    ),
    (
        '"Amount" filter (where true)',
        "number",
        [
            'not a SQL expression: syntax error at or near "filter". Write an expression over the source\'s fields, for example "Amount" > 0'
        ],
    ),
    (
        'not "Amount"',
        "condition",
        [
            "\"Amount\" beside not is not a condition. Write both conditions out, or several values as \"Type\" in ('A', 'B')"
        ],
    ),
]


@pytest.mark.parametrize(("text", "wanted", "expected"), REFUSED)
def test_a_refused_expression_says_what_to_write(
    checker: ExpressionChecker, text: str, wanted: Wanted, expected: list[str]
) -> None:
    assert faults(checker, text, wanted) == expected


NUMBERS: list[tuple[str, list[str]]] = [
    ("@@Quota", []),
    ("0.002", []),
    ("@@BaseRate * 1.5", []),
    (
        '"Amount"',
        [
            "names the field Amount, but this number belongs to a payee and a day, not to a deal. Write numbers and @@variables only"
        ],
    ),
    (
        "Quota",
        [
            "names the field Quota, but this number belongs to a payee and a day, not to a deal. Did you mean @@Quota?"
        ],
    ),
    (
        '"Quota"',
        [
            "names the field Quota, but this number belongs to a payee and a day, not to a deal. Did you mean @@Quota?"
        ],
    ),
    ("@@Quota / 4", ["@@Quota / 4 divides with /, which leaves exact decimals. Write divide(@@Quota, 4)"]),
    (
        "@@CatalogueValue",
        [
            "@@CatalogueValue has no value here. It stands in value_expression and payable_expression of a plan with a catalogue_id"
        ],
    ),
    ("5 %", ["5 % is not a number. Write it as a decimal, 0.05"]),
    ("@@TargetIncentive * 0.25", []),
    ("greatest(@@Quota, 0)", []),
    ("'x'", ["gives a text, not a number. Write a number"]),
    ("0.05 USD", ["USD stands after the expression. Delete it, or put an operator before USD"]),
]


@pytest.mark.parametrize(("text", "expected"), NUMBERS)
def test_a_number_knows_variables_and_no_fields(
    checker: ExpressionChecker, text: str, expected: list[str]
) -> None:
    assert faults(checker, text, "number", NUMBER) == expected


BROKEN = [
    "->",
    "over ->",
    "concat( time ())",
    "case when",
    "((((",
    "interval null ->",
    "'a' -> || !",
    "divide( ->)",
    "\\",
]


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_text_is_a_fault_and_no_crash(checker: ExpressionChecker, text: str) -> None:
    assert faults(checker, text, "number") != []


def test_variables_are_named_once_and_only_outside_of_quotation_marks() -> None:
    assert variables_of("@@B + @@A * @@B + '@@C' || \"@@D\"") == ("B", "A")
