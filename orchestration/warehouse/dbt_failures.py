"""What dbt could not build, in words: the node, the core of its error, and the fix."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FAILED = ("error", "fail", "runtime error")


@dataclass(frozen=True)
class NodeFailure:
    """One failed dbt node. ``failing_rows`` is None for anything but a test that ran."""

    kind: str
    name: str
    on: str
    error: str
    failing_rows: int | None
    file: str
    compiled: str

    def __str__(self) -> str:
        if self.failing_rows is not None:
            rows = "row" if self.failing_rows == 1 else "rows"
            text = f"test {self.name} on {self.on}: {self.failing_rows} failing {rows}"
            text += f" ({self.error})" if self.error else ""
            return f"{text}. The rows: run the query in {self.compiled}" if self.compiled else text
        fix = f"Fix {self.file}, or the input that the error names"
        compiled = f"; the SQL as it ran: {self.compiled}" if self.compiled else ""
        return f"{self.kind} {self.name}: {self.error}. {fix}{compiled}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for Dagster's metadata."""
        return asdict(self)


def read_failures(target: Path, manifest: Mapping[str, Any]) -> list[NodeFailure]:
    """The failed nodes of the dbt run whose artifacts are in ``target``, tests last; empty when none was written."""
    run_results = target / "run_results.json"
    if not run_results.exists():
        return []
    results = json.loads(run_results.read_text(encoding="utf-8"))["results"]
    failures = [_failure(result, target, manifest) for result in results if result["status"] in FAILED]
    return sorted(failures, key=lambda failure: failure.failing_rows is not None)


def _failure(result: Mapping[str, Any], target: Path, manifest: Mapping[str, Any]) -> NodeFailure:
    unique_id = result["unique_id"]
    node = manifest["nodes"].get(unique_id, {})
    kind = unique_id.split(".", 1)[0]
    is_failed_test = kind == "test" and result["status"] == "fail"
    compiled = _compiled(node, target)
    if is_failed_test:
        attached = node.get("attached_node") or ", ".join(node.get("depends_on", {}).get("nodes", []))
        on = ", ".join(name.rsplit(".", 1)[-1] for name in attached.split(", "))
        column = node.get("column_name")
        return NodeFailure(
            kind,
            node.get("name", unique_id),
            f"{on}, column {column}" if column else on,
            " ".join(str(node.get("description") or "").split()),
            int(result.get("failures") or 0),
            _file(node),
            compiled,
        )
    error = core_line(str(result.get("message") or ""))
    return NodeFailure(kind, node.get("name", unique_id), "", error, None, _file(node), compiled)


def _file(node: Mapping[str, Any]) -> str:
    path = str(node.get("original_file_path", ""))
    return path.removeprefix("../") if path.startswith("../") else f"dbt_project/{path}"


def _compiled(node: Mapping[str, Any], target: Path) -> str:
    if not node or node["resource_type"] == "seed":
        return ""
    path = node["original_file_path"]
    # A generic test is compiled into a folder named after the property file.
    parts = [path, node["path"]] if path.endswith((".yml", ".yaml")) else [path]
    compiled = target.joinpath("compiled", node["package_name"], *parts)
    return str(compiled) if compiled.exists() else ""


def core_line(message: str) -> str:
    """The line of dbt's message that says what is wrong: DuckDB's error, else the first after the heading."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        if re.match(r"[A-Z][\w ]+ Error: ", line):
            # DuckDB continues with suggestions; a one-line hint is worth keeping.
            hints = [rest for rest in lines[number + 1 :] if rest.startswith(("Candidate", "Did you mean"))]
            return " ".join([line, *hints[:1]]).rstrip(".")
    headings = ("Database Error in", "Runtime Error in", "Compilation Error in")
    told = [line for line in lines if not line.startswith(headings)]
    return (told or lines or ["no message"])[0].rstrip(".")


def render(failures: Sequence[NodeFailure], shown_max: int = 10) -> str:
    """One line per failure."""
    lines = [f"- {failure}" for failure in failures[:shown_max]]
    if len(failures) > shown_max:
        lines.append(f"- and {len(failures) - shown_max} more")
    return "\n".join(lines)
