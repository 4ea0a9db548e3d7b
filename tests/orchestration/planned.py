"""What planning may not touch."""

import hashlib
from pathlib import Path


def hashes(home: Path) -> dict[str, str]:
    """Every file of the home that is not the planning's own."""
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.rglob("*"))
        if path.is_file() and path.relative_to(home).parts[0] not in ("planning", "run.lock")
    }
