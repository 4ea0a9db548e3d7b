"""Read situations from YAML files: exact numbers, no key twice, nothing guessed."""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from orchestration.plans.situations.checks import check

AS_OF = date(2024, 12, 31)
Body = Mapping[str, Any]


class SituationError(Exception):
    """The situations cannot be read as they are written; the message names file, case, key and fix."""


@dataclass(frozen=True)
class Case:
    """One situation: `code` keeps its ids apart from all others, `body` holds its sections as written."""

    code: str
    file: Path
    title: str
    as_of: date
    body: Body


class _Loader(yaml.SafeLoader):
    """YAML with exact numbers: 0.1 is a tenth, 010 and 1:30 are texts, yes and no are texts, a key occurs once."""


# What a plain word may be, instead of all that YAML 1.1 makes of it; the first letters are where PyYAML looks it up.
PLAIN = (
    ("bool", "true|false", "tf"),
    ("float", r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", "-0123456789"),
    ("timestamp", "[0-9]{4}-[0-9]{2}-[0-9]{2}", "0123456789"),
    ("merge", "<<", "<"),
)


def _number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(str(loader.construct_scalar(node)))


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    found: dict[Hashable, Any] = {}
    merged = sum(key_node.tag.endswith(":merge") for key_node, _ in node.value)
    loader.flatten_mapping(node)
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)  # type: ignore[no-untyped-call]
        if key in found and not merged:
            raise yaml.MarkedYAMLError(
                problem=f"the key `{key}` occurs twice in one mapping; keep one",
                problem_mark=key_node.start_mark,
            )
        found[key] = loader.construct_object(value_node, deep=True)  # type: ignore[no-untyped-call]
    return found


_Loader.yaml_implicit_resolvers = {}
for _kind, _pattern, _first in PLAIN:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_pattern})$"), list(_first))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^(?:null|~|)$"), ["n", "~", ""])
_Loader.add_constructor("tag:yaml.org,2002:float", _number)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_cases(folder: Path) -> list[Case]:
    """Read and check all *.yaml and *.yml files of a folder (or one file), in the order of their names.

    Raises SituationError with every mistake found.
    """
    files = [folder] if folder.is_file() else sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")])
    if not files:
        raise SituationError(f"{folder}: no *.yaml file with situations")
    cases: list[Case] = []
    problems: list[str] = []
    for file in files:
        for body in _bodies(file, problems):
            title = str(body["case"])
            problems += [f"{file}, case '{title}': {problem}" for problem in check(body)]
            cases.append(Case(f"s{len(cases) + 1:03}", file, title, body.get("as_of", AS_OF), body))
    titles = [case.title for case in cases]
    doubled = sorted({title for title in titles if titles.count(title) > 1})
    problems += [f"{folder}: two cases are called '{title}'; give one another title" for title in doubled]
    if problems:
        raise SituationError("\n".join(problems))
    return cases


def _bodies(file: Path, problems: list[str]) -> list[Body]:
    """Return what a file holds, one mapping a situation; what cannot be read goes to `problems`."""
    try:
        written = yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        problems.append(f"{file}: not readable as YAML: {error}")
        return []
    bodies = written if isinstance(written, list) else [written]
    found = [body for body in bodies if isinstance(body, Mapping) and body.get("case")]
    if len(found) < len(bodies):
        problems.append(f"{file}: each situation is a mapping that starts with `case: title`")
    return found
