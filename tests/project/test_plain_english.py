"""The words that readers stumble over: documents, descriptions, comments, docstrings and messages do without them."""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
THINGS = "number|column|date|part|file|list|plan|text|TOML|field|month|seed|object|folder|backup|payee|day|currency"
LISTED = "extract|list|row|record|file|line|page|job|check|model|test|hash|table|entry|statement"
COUNTED = "deal|payee|month|plan|model|line|row|run|record|group|table|stage|window|currency|system|layer|manager|transaction|credit"
# Pattern, and what to write instead.
PHRASES = {
    r"mend(s|ed|ing)?": "fix",
    r"(below|above|more than) nothing|nothing or below": "negative, positive, zero or negative",
    r"amounts? (is |are )?(below|above) zero": "negative, positive",
    r"anew": "again, from scratch, rebuilt, restarted",
    r"(is|are|was|were) told|tells? of|tells? the (log|channels?|receivers?)": "reports, notifies, logs",
    r"in the order of the alphabet|first in the alphabet": "alphabetically",
    r"at whom|behind whom|whom nothing": "name the person first: the recipients that a rule names",
    r"what of (whose|it|that|an?|the|each|earlier)": "which part of, how much of",
    r"what(ever)? (becomes?|became) of": "what happens to, the outcome of",
    r"not yet so|what is not so": "projections and simulations",
    r"somebody's (run|action)": "a manual run, a manual action",
    r"jumped over": "skipped",
    r"needs? no more than": "is enough for",
    r"taken? (nothing )?for known": "assumes nothing",
    r"stands? in the way": "is the reason",
    r"for want of": "because it is missing",
    r"hand(s|ed)?[ -]out": "exports, writes",
    rf"(?<!there )is no ({THINGS})": "is not a",
    rf"(?<!at )(?<!once )(one|a) ({LISTED}) an? ({COUNTED})": "one per",
}  # fmt: skip
PATTERN = re.compile(
    "|".join(rf"(?P<p{number}>\b({phrase})\b)" for number, phrase in enumerate(PHRASES)), re.IGNORECASE
)
SUFFIXES = {".md", ".py", ".sql", ".yml", ".toml", ".csv", ".j2", ".sh", ".service", ".timer"}
FOLDERS = ("docs/", "orchestration/", "ingestion/", "dbt_project/", "seeds/", "benchmarks/")
# Rows of real sources, which are as they are.
DATA = "ingestion/sample/"


@cache
def prose(name: str) -> tuple[tuple[int, str], ...]:
    """The lines of a file that people read, with their numbers: of Python comments and texts, of others everything."""
    text = (ROOT / name).read_text(encoding="utf-8")
    if not name.endswith(".py"):
        return tuple(enumerate(text.splitlines(), start=1))
    return tuple(_prose_of_python(text))


def _prose_of_python(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    # Pieces of one message are one text: the parser joins them, and leaves the values of f-strings out.
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield from enumerate(node.value.splitlines(), start=node.lineno)


def read_files() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [
        name
        for name in listed.stdout.splitlines()
        if (name == "README.md" or name == "Makefile" or name.startswith(FOLDERS))
        and (Path(name).suffix in SUFFIXES or name == "Makefile")
        and not (name.startswith(DATA) and name.endswith(".csv"))
        and (ROOT / name).is_file()
    ]


def stumbles(name: str) -> list[str]:
    """Each phrase of a file that a reader stumbles over, with what to write instead."""
    found = []
    instead = list(PHRASES.values())
    for number, line in prose(name):
        for match in PATTERN.finditer(line):
            index = next(int(key[1:]) for key, value in match.groupdict().items() if key[0] == "p" and value)
            found.append(f"{name}:{number}: '{match[0]}'; write: {instead[index]}")
    return found


def test_what_people_read_is_plain_english() -> None:
    names = read_files()
    assert len(names) > 500
    assert [line for name in names for line in stumbles(name)] == []


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("It names the mend.", "mend"),
        ("amounts below nothing are taken back", "below nothing"),
        ("The daily run is begun anew.", "anew"),
        ("Each failure is told to the channels.", "is told"),
        ("Recipients at whom a rule points", "at whom"),
        ("one row a credit", "one row a credit"),
    ],
)
def test_a_phrase_of_the_dialect_is_found(text: str, phrase: str) -> None:
    match = PATTERN.search(text)
    assert match and match[0] == phrase


@pytest.mark.parametrize(
    "text", ["amend the row", "one row per credit", "there is no plan of that name", "once a day"]
)
def test_plain_sentences_pass(text: str) -> None:
    assert not PATTERN.search(text)
