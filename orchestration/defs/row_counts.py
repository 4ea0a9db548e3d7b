"""Whether a landed table has lost rows since the landing before: a warning, not a refusal."""

from __future__ import annotations

from decimal import Decimal

import dagster as dg

CHECK = "rows_kept"
DESCRIPTION = (
    "The table has about as many rows in force as after the landing before (cadences.toml: row_counts)."
)


def check_spec(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """The check of one landed table."""
    return dg.AssetCheckSpec(CHECK, asset=key, description=DESCRIPTION, blocking=False)


def rows_before(instance: dg.DagsterInstance, key: dg.AssetKey) -> int | None:
    """Rows in force after the landing before; None where there was none."""
    event = instance.get_latest_materialization_event(key)
    live = event.asset_materialization.metadata.get("live") if event and event.asset_materialization else None
    return int(str(live.value)) if live else None


def rows_kept(
    key: dg.AssetKey, before: int | None, now: int, shrink_ratio_max: Decimal
) -> dg.AssetCheckResult:
    """Passed unless more than ``shrink_ratio_max`` of the rows before are gone (1 = all)."""
    lost = Decimal(before - now) / before if before and now < before else Decimal(0)
    metadata: dict[str, int | str] = {"rows": now, "rows_before": before if before is not None else "none"}
    return dg.AssetCheckResult(
        check_name=CHECK,
        asset_key=key,
        passed=lost <= shrink_ratio_max,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=metadata,
        description=f"{now:,} rows after {before:,}: {lost:.1%} fewer" if lost > shrink_ratio_max else None,
    )
