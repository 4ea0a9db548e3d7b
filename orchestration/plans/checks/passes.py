"""Remembers what has passed the preflight, so that it is read again only when it, or what it was checked by, has changed.

One JSON file in the home: for each thing that is checked, the digest of all that decided its last pass. Only passes are
kept, never a problem: a file that is lost or damaged means that everything is checked again, and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from ingestion.landing.unchanged import CODE as INGESTION_CODE
from ingestion.landing.unchanged import code_digest

_PACKAGE = Path(__file__).resolve().parent

# The checks themselves, read when they are loaded: with other ones nothing has passed yet.
CODE = hashlib.sha256(
    b"\n".join(
        [
            INGESTION_CODE.encode(),
            code_digest(_PACKAGE, ("duckdb", "sqlglot", "pyyaml")).encode(),
            code_digest(_PACKAGE.parent / "language", ()).encode(),
        ]
    )
).hexdigest()


def digest_of(*parts: object) -> str:
    """Return a digest of the parts: texts, numbers, and collections and declarations of them."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


class Passes:
    """The passes of one home. `passed` and `add` name what is checked; `save` writes what was added."""

    def __init__(self, path: Path, *, full: bool = False) -> None:
        """Read the file; with `full` nothing counts as passed, and the passes of this time replace those of before."""
        self._path = path
        self._known: dict[str, str] = {} if full else _read(path)
        self._changed = full

    def passed(self, name: str, digest: str) -> bool:
        """Whether this has passed before, exactly as it is now."""
        return self._known.get(name) == digest

    def add(self, name: str, digest: str) -> None:
        """Note that this has no problem."""
        if self._known.get(name) != digest:
            self._known[name] = digest
            self._changed = True

    def save(self) -> None:
        """Write all passes, in one step."""
        if not self._changed:
            return
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        text = json.dumps({"code": CODE, "passes": self._known}, indent=0, sort_keys=True)
        # The checks are made: what keeps their passes from being written only means that they are made again.
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    passes = content.get("passes") if isinstance(content, Mapping) and content.get("code") == CODE else None
    return {str(name): str(digest) for name, digest in passes.items()} if isinstance(passes, dict) else {}
