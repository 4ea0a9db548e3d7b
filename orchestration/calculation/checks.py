"""The data tests of dbt as a run asks them: those that can fail because of what has changed, each relation read once.

The tests are written in dbt, beside the models, and `dbt test` asks each of them in a query of its own. A run asks the same
questions faster: the generic ones of one relation in one query, the marts' ones of the finished copy and not of views, and
none that has passed on the same data before. A test that fails is asked again as dbt wrote it, for its count of rows.

Not asked, because it is proven elsewhere in every run:

- tests of seeds that the preflight evaluates on the files (`orchestration.plans.checks.contracts.CHECKS`);
- tests with `meta: {asked_in_runs: false}`, which say in their configuration what proves it instead.

Asked beside the tests: that a view fills the columns which its contract requires; tables are held to that by DuckDB.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import duckdb

from orchestration.calculation.fingerprints import Fingerprint
from orchestration.warehouse.readable import ReadableWarehouse

Manifest = Mapping[str, Any]
FAIL, WARN, PASS = "fail", "warn", "pass"
# The kinds of test that are evaluated on the files of the seeds (`orchestration.plans.checks.contracts.CHECKS`).
PROVED_ON_FILES = frozenset(
    {
        "not_null",
        "unique",
        "unique_combination",
        "accepted_values",
        "relationships",
        "no_overlap",
        "contiguous_tiers",
        "whole_months",
    }
)


@dataclass(frozen=True)
class CheckResult:
    """One data test that was asked. ``node``: the relation that it is shown at; ``sql``: the rows that fail."""

    unique_id: str
    node: str
    status: str
    failing_rows: int
    sql: str = ""
    error: str = ""

    @property
    def is_good(self) -> bool:
        """Whether it does not stop the run."""
        return self.status != FAIL


@dataclass(frozen=True)
class Asked:
    """The tests of a run: generic ones by the relation they are about, the others by id; ``views``: those with a contract."""

    generic: Mapping[str, Sequence[str]] = field(default_factory=dict)
    written: Sequence[str] = ()
    views: Sequence[str] = ()

    @property
    def count(self) -> int:
        """How many questions are asked."""
        return sum(map(len, self.generic.values())) + len(self.written) + len(self.views)


def is_asked_in_runs(node: Mapping[str, Any], manifest: Manifest) -> bool:
    """Whether a run asks this test at all: not where the preflight does, nor where the test says what proves it instead."""
    if (node["config"].get("meta") or {}).get("asked_in_runs") is False:
        return False
    return not is_asked_by_preflight(node, manifest)


def is_asked_by_preflight(node: Mapping[str, Any], manifest: Manifest) -> bool:
    """Whether the preflight evaluates this test on the CSV files: of seeds alone, of a kind that it knows, of all rows."""
    parents = node["depends_on"]["nodes"]
    kind = (node.get("test_metadata") or {}).get("name")
    return (
        kind in PROVED_ON_FILES
        and not node["config"].get("where")
        and bool(parents)
        and all(parent.startswith("seed.") for parent in parents)
    )


def asked_tests(
    manifest: Manifest, found: Mapping[str, Fingerprint], passed: Mapping[str, str], *, full: bool = False
) -> Asked:
    """The tests to ask: those whose data or text is not what they passed on.

    Args:
        found: fingerprints of today.
        passed: the fingerprints with which tests and views passed last, by unique id.
        full: ask every test, also those that a run does not ask.
    """
    generic: dict[str, list[str]] = defaultdict(list)
    written: list[str] = []
    views: list[str] = []
    for unique_id, node in sorted(manifest["nodes"].items()):
        if unique_id not in found or (not full and found[unique_id].content == passed.get(unique_id)):
            continue
        if node["resource_type"] == "test":
            if not full and not is_asked_in_runs(node, manifest):
                continue
            metadata = node.get("test_metadata")
            attached = node.get("attached_node") or ""
            if (
                metadata
                and metadata["name"] in QUESTIONS
                and attached in manifest["nodes"]
                and _is_plain(node)
            ):
                generic[attached].append(unique_id)
            else:
                written.append(unique_id)
        elif found[unique_id].is_view and required_columns(node):
            views.append(unique_id)
    return Asked(generic, written, views)


def required_columns(node: Mapping[str, Any]) -> list[str]:
    """The columns that the contract of a model requires; none where the contract is not enforced."""
    if not (node["config"].get("contract") or {}).get("enforced"):
        return []
    return [
        name
        for name, column in node["columns"].items()
        if any(constraint["type"] == "not_null" for constraint in column.get("constraints") or ())
    ]


def _is_plain(node: Mapping[str, Any]) -> bool:
    config, given = node["config"], node["test_metadata"]["kwargs"]
    is_known = "to" not in given or REF.fullmatch(str(given["to"])) is not None
    return is_known and not config.get("where") and config.get("error_if") == config.get("warn_if") == "!= 0"


# --- the generic tests: a number that is 0 where all is well, and the rows that are not ---------------------


@dataclass(frozen=True)
class Question:
    """``number``: an expression over the relation, 0 where the test passes. ``rows``: what dbt counts where it does not."""

    number: str
    rows: str


def _quoted(name: str) -> str:
    """The column in quotes; a test may name it in quotes already."""
    if name.startswith('"') and name.endswith('"'):
        return name
    return '"' + name.replace('"', '""') + '"'


def _literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _unique(arguments: Mapping[str, Any], relation: str) -> Question:
    column = _quoted(arguments["column_name"])
    return Question(
        f"count({column}) - count(distinct {column})",
        f"select {column} from {relation} where {column} is not null group by all having count(*) > 1",
    )


def _not_null(arguments: Mapping[str, Any], relation: str) -> Question:
    column = _quoted(arguments["column_name"])
    return Question(
        f"count(*) filter (where {column} is null)", f"select * from {relation} where {column} is null"
    )


def _accepted_values(arguments: Mapping[str, Any], relation: str) -> Question:
    column = _quoted(arguments["column_name"])
    is_text = arguments.get("quote", True)
    values = ", ".join(_literal(value) if is_text else str(value) for value in arguments["values"])
    other = f"{column} not in ({values})"
    return Question(
        f"count(*) filter (where {other})", f"select {column} from {relation} where {other} group by all"
    )


def _unique_combination(arguments: Mapping[str, Any], relation: str) -> Question:
    columns = ", ".join(_quoted(column) for column in arguments["columns"])
    # A struct, so that rows count in which some or all of the columns are empty.
    return Question(
        f"count(*) - count(distinct row({columns}))",
        f"select {columns} from {relation} group by all having count(*) > 1",
    )


def _relationships(arguments: Mapping[str, Any], relation: str) -> Question:
    column, field = _quoted(arguments["column_name"]), _quoted(arguments["field"])
    parent = arguments["parent"]
    known = f"{column} in (select {field} from {parent} where {field} is not null)"
    return Question(
        f"count({column}) - count(*) filter (where {known})",
        f"select {column} from {relation} where {column} is not null and not ({known})",
    )


QUESTIONS: Mapping[str, Callable[[Mapping[str, Any], str], Question]] = {
    "unique": _unique,
    "not_null": _not_null,
    "accepted_values": _accepted_values,
    "unique_combination": _unique_combination,
    "relationships": _relationships,
}
REF = re.compile(r"ref\('(\w+)'\)")


# --- asking -------------------------------------------------------------------------------------------------


def ask(
    readable: ReadableWarehouse, manifest: Manifest, asked: Asked, compiled: Mapping[str, str]
) -> list[CheckResult]:
    """Ask the tests. A test that cannot be asked fails with its error.

    Args:
        compiled: the SQL of tests as dbt wrote it, by unique id; of all in ``asked.written`` at least.
    """
    views = set(asked.views)
    jobs: list[Callable[[], list[CheckResult]]] = [
        partial(
            _ask_relation,
            readable,
            manifest,
            relation,
            asked.generic.get(relation, ()),
            relation in views,
        )
        for relation in sorted({*asked.generic, *views})
    ]
    jobs += [
        partial(_ask_written, readable, manifest, unique_id, compiled.get(unique_id))
        for unique_id in asked.written
    ]
    return [result for results in readable.each(jobs) for result in results]


def _ask_relation(
    readable: ReadableWarehouse, manifest: Manifest, relation: str, tests: Sequence[str], with_required: bool
) -> list[CheckResult]:
    node = manifest["nodes"][relation]
    try:
        shown = readable.relation(node["schema"], node["alias"])
        questions = {test: _question(readable, manifest, test, shown) for test in tests}
        required = required_columns(node) if with_required else []
        if required:
            questions[relation] = _required(required, shown)
        numbers = ", ".join(question.number for question in questions.values())
        row = readable.execute(f"select {numbers} from {shown}").fetchone() or ()
        found = dict(zip(questions, row, strict=True))
        # Only where something is wrong: dbt's own count.
        counts = {
            test: _count(readable, questions[test].rows) if number else 0 for test, number in found.items()
        }
    except duckdb.Error as error:
        return [_failed(test, relation, error) for test in (*tests, *([relation] if with_required else []))]
    return [_result(manifest, test, relation, count, questions[test].rows) for test, count in counts.items()]


def _question(readable: ReadableWarehouse, manifest: Manifest, test: str, relation: str) -> Question:
    node = manifest["nodes"][test]
    given = node["test_metadata"]["kwargs"]
    arguments = {"column_name": node.get("column_name"), **given, **(given.get("arguments") or {})}
    named = REF.fullmatch(str(arguments.get("to", "")))
    if named:
        parents = [
            manifest["nodes"][name] for name in node["depends_on"]["nodes"] if name in manifest["nodes"]
        ]
        parent = next(one for one in parents if one["name"] == named[1])
        arguments["parent"] = readable.relation(parent["schema"], parent["alias"])
    return QUESTIONS[node["test_metadata"]["name"]](arguments, relation)


def _required(columns: Sequence[str], relation: str) -> Question:
    empty = " or ".join(f"{_quoted(column)} is null" for column in columns)
    return Question(f"count(*) filter (where {empty})", f"select * from {relation} where {empty}")


def _count(readable: ReadableWarehouse, sql: str) -> int:
    found = readable.execute(f"select count(*) from ({sql}\n)").fetchone()
    return int(found[0]) if found else 0


def _ask_written(
    readable: ReadableWarehouse, manifest: Manifest, unique_id: str, sql: str | None
) -> list[CheckResult]:
    node = manifest["nodes"][unique_id]
    relation = shown_at(node, manifest)
    if not sql:
        return [CheckResult(unique_id, relation, FAIL, 0, error="dbt could not compile it")]
    try:
        return [_result(manifest, unique_id, relation, _count(readable, readable.query(sql)), sql)]
    except duckdb.Error as error:
        return [_failed(unique_id, relation, error)]


def shown_at(node: Mapping[str, Any], manifest: Manifest) -> str:
    """The relation at which a test is shown: its own, else the last of those that it reads (see `read_manifest`)."""
    attached = node.get("attached_node")
    if attached:
        return str(attached)
    meant = ((node["config"].get("meta") or {}).get("dagster") or {}).get("ref", {}).get("name")
    parents: Collection[str] = node["depends_on"]["nodes"]
    named = [parent for parent in parents if meant and parent.rsplit(".", 1)[-1] == meant]
    return next(iter([*named, *parents]), "")


def _failed(unique_id: str, relation: str, error: Exception) -> CheckResult:
    return CheckResult(unique_id, relation, FAIL, 0, error=str(error).splitlines()[0])


def _result(manifest: Manifest, unique_id: str, relation: str, count: int, sql: str) -> CheckResult:
    if count == 0:
        return CheckResult(unique_id, relation, PASS, 0)
    severity = str(manifest["nodes"][unique_id]["config"].get("severity") or "error").lower()
    return CheckResult(unique_id, relation, WARN if severity == "warn" else FAIL, count, sql)
