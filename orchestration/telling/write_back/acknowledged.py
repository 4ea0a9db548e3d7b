"""What a CRM has acknowledged, one line per record, outside the warehouse.

A line is written after the CRM has answered, and made durable before the next batch is sent. A kill between the two costs nothing:
the record is sent again, and its key makes that a repetition. A line that a kill has cut short is as if it had not been written.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestration.warehouse.files import canonical, replace_durably


class WriteBackError(Exception):
    """Nothing (more) was sent. The message says why, and what to do."""


@dataclass(frozen=True)
class Acknowledged:
    """A record as the CRM last took it.

    Attributes:
        columns: the written columns of rpt_crm_records, as text.
        content_hash: of the fields that were sent, by their names in the CRM.
        calculation_ids: the plan months that it rested on.
        is_taken_back: it was emptied, because nothing of it is released any more.
    """

    key: str
    columns: Mapping[str, str | None]
    content_hash: str
    calculation_ids: tuple[str, ...]
    is_taken_back: bool = False


def content_hash(fields: Mapping[str, object]) -> str:
    """Hash of what a record holds, whatever the order of its fields."""
    return hashlib.sha256(canonical({name: _text(value) for name, value in fields.items()})).hexdigest()


def _text(value: object) -> str | None:
    return None if value is None else str(value)


class Memory:
    """The acknowledged records of one target at one address: a CRM's sandbox has a memory of its own."""

    def __init__(self, folder: Path, target_id: str, address: str) -> None:
        mark = hashlib.sha256(address.encode()).hexdigest()[:8]
        self.path = folder / f"{target_id}-{mark}.jsonl"
        self.records = self._read()

    def _read(self) -> dict[str, Acknowledged]:
        if not self.path.exists():
            return {}
        found: dict[str, Acknowledged] = {}
        lines = self.path.read_bytes().split(b"\n")
        # What follows the last end of line was cut short.
        for number, line in enumerate(lines[:-1], start=1):
            try:
                content = json.loads(line)
                content["calculation_ids"] = tuple(content["calculation_ids"])
                record = Acknowledged(**content)
            except (ValueError, TypeError, KeyError):
                raise WriteBackError(
                    f"{self.path} line {number} cannot be read; restore the file from a backup, or delete it: then "
                    "every record is sent once more"
                ) from None
            found[record.key] = record
        return found

    def add(self, records: Iterable[Acknowledged]) -> None:
        """Remember records, and return when the disk has them."""
        added = list(records)
        if not added:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(b"".join(canonical(asdict(record)) for record in added))
            file.flush()
            os.fsync(file.fileno())
        self.records |= {record.key: record for record in added}

    def tidy(self) -> None:
        """Rewrite the file with one line per record; also drops a line that was cut short."""
        if self.path.exists():
            content = b"".join(canonical(asdict(self.records[key])) for key in sorted(self.records))
            replace_durably(self.path, content)
