"""Tests share what is in packages, never one another's modules, so that any selection of files can be run."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
# Put on the path of a process by the test that starts it, and what sqlfluff imports by itself (library_path).
ALONE = {
    TESTS / "orchestration" / "simulated" / "site" / "sitecustomize.py",
    *(TESTS / "project" / "sqlfluff_library").glob("*.py"),
}
MODULES = sorted(set(TESTS.rglob("*.py")) - ALONE)
# Folders of the tests that are called as a package of the program, or dbt, are left out.
LOCAL = {path.stem for path in MODULES} | {
    path.parent.name
    for path in MODULES
    if path.parent.name not in ("tests", "dbt", "ingestion", "orchestration")
}


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, by its full name; of `from x import y` both x and x.y."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.fixture(scope="module")
def imports() -> dict[Path, set[str]]:
    """What each file of the tests imports."""
    return {path: set(imported(path)) for path in MODULES}


def test_no_test_module_is_imported(imports: dict[Path, set[str]]) -> None:
    tests = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in TESTS.rglob("test_*.py")}
    found = {
        (str(path.relative_to(ROOT)), name)
        for path, names in imports.items()
        for name in names
        if name in tests or name.partition(".")[0].startswith("test_") or name.endswith(".conftest")
    }
    assert found == set(), "put what two test modules need into tests/support, or a module beside them"


def test_modules_of_the_tests_are_imported_by_their_full_name(imports: dict[Path, set[str]]) -> None:
    found = {
        (str(path.relative_to(ROOT)), name)
        for path, names in imports.items()
        for name in names
        if name.startswith(".") or name.partition(".")[0] in LOCAL
    }
    assert found == set(), "write tests.support.…, not the bare name of the file"


def test_no_test_changes_the_path_of_modules() -> None:
    attribute = "sys." + "path"
    found = [str(path.relative_to(ROOT)) for path in MODULES if attribute in path.read_text(encoding="utf-8")]
    assert found == [], "tests are a package: import tests.…"


def test_the_program_does_not_import_its_tests() -> None:
    found = [
        (str(path.relative_to(ROOT)), name)
        for folder in ("ingestion", "orchestration")
        for path in (ROOT / folder).rglob("*.py")
        for name in imported(path)
        if name.partition(".")[0] == "tests"
    ]
    assert found == []
