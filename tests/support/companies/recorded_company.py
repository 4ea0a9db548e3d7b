"""Books of a company that never calculated: a log of actions, closed months, exports and publications, written as they are."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.books.actions import Action, append, read_actions
from orchestration.books.publications import Publication, record_publication
from orchestration.warehouse.settings import RunSettings

NOON = datetime(2014, 3, 31, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Company:
    """One COMMISSIONS_HOME."""

    home: Path

    @property
    def settings(self) -> RunSettings:
        return RunSettings(home=self.home)

    def act(self, action_code: str, at: datetime = NOON, **facts: Any) -> Action:
        folder = self.settings.books / "actions"
        return append(
            folder, read_actions(folder), action_code=action_code, acted_at=at, actor="ana", **facts
        )

    def release(self, period_code: str, plan_id: str = "reseller") -> Action:
        return self.act("release_credits", period_code=period_code, plan_id=plan_id, lines_fingerprint="f1")

    def close(self, period_code: str, totals: dict[str, str]) -> Action:
        folder = self.settings.books / "periods" / period_code
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(json.dumps({"line_count": 44, "totals": totals}))
        return self.act("close", period_code=period_code, lines_fingerprint="b1")

    def export(self, number: int, period_code: str, amount: str) -> Action:
        folder = self.settings.books / "exports" / f"{number:06}"
        folder.mkdir(parents=True)
        manifest = {
            "export_name": f"payroll_{period_code}_{number}", "pay_group_id": "us", "sequence_number": 1,
            "file_name": "adp.csv", "files": {"adp.csv": "0a" * 32, "settled.parquet": "0b" * 32}, "row_count": 17,
        }  # fmt: skip
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return self.act(
            "export_payroll",
            period_code=period_code,
            currency_code="USD",
            amount=amount,
            reference_number=number,
        )

    def publish(self, run_id: str, payouts: list[tuple[str, str, str | None, str | None]]) -> None:
        """Put a published copy in place: rows that changed, as (period, currency, amount before, amount now)."""
        path = self.settings.published
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with duckdb.connect(str(path)) as copy:
            copy.execute(
                "create table fct_calculations (plan_id text, period_code text, line_count int, lines_fingerprint text)"
            )
            copy.execute("create schema publication")
            copy.execute("create table publication.run (name text, value text)")
            facts = {"run_id": run_id, "as_of_date": "2014-03-31", "published_at": "2014-03-31T05:01:02"}
            copy.executemany("insert into publication.run values (?, ?)", list(facts.items()))
            copy.execute(
                "create table publication.payout_changes (change_code text, period_code text, currency_code text,"
                " previous_amount decimal(18, 4), new_amount decimal(18, 4))"
            )
            for period, currency, before, now in payouts:
                code = "added" if before is None else "removed" if now is None else "changed"
                copy.execute(
                    "insert into publication.payout_changes values (?, ?, ?, ?, ?)",
                    [code, period, currency, before, now],
                )
            copy.execute(
                "insert into fct_calculations values ('reseller', '2014-03', 12, ?)", [json.dumps(payouts)]
            )

    def run(self, run_id: str, payouts: list[tuple[str, str, str | None, str | None]]) -> Publication | None:
        """Publish and record, as the daily run does."""
        record_publication(self.settings)
        self.publish(run_id, payouts)
        return record_publication(self.settings)
