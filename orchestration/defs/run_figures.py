"""What a run says of itself in numbers, so that Dagster draws them over runs: a reason that grows, a layer that slows down."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb

from orchestration.defs.translator import dbt_layer

SKIPPED = "select reason_code, count(*) from rpt_skipped_transactions group by all order by all"
PAYOUTS = "select currency_code, sum(payout_amount) from fct_payouts group by all order by all"
PLAN_COSTS = """
    select plan_id, currency_code, year_to_date_commission_amount from rpt_plan_costs
    qualify row_number() over (partition by plan_id, currency_code order by period_code desc) = 1
    order by all
"""


def run_figures(
    marts: duckdb.DuckDBPyConnection, dbt_target: Path, manifest: Mapping[str, Any]
) -> dict[str, int | float]:
    """Figures of the run that published ``marts``, by the name under which Dagster plots them.

    `skipped/<reason>` transactions, `payouts/<currency>` and `cost_this_year/<plan>/<currency>` in whole units of the currency (a
    plot, not an amount), `seconds/<layer>` of dbt's work on the layers, read from ``dbt_target``.
    """
    figures: dict[str, int | float] = {}
    for reason, count in marts.execute(SKIPPED).fetchall():
        figures[f"skipped/{reason}"] = int(count)
    for currency, amount in marts.execute(PAYOUTS).fetchall():
        figures[f"payouts/{currency}"] = whole_units(amount)
    for plan, currency, amount in marts.execute(PLAN_COSTS).fetchall():
        figures[f"cost_this_year/{plan}/{currency}"] = whole_units(amount)
    return {
        _plottable(name): value for name, value in {**figures, **layer_seconds(dbt_target, manifest)}.items()
    }


def whole_units(amount: Decimal) -> int:
    """The amount without its decimals, half away from zero."""
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def layer_seconds(dbt_target: Path, manifest: Mapping[str, Any]) -> dict[str, float]:
    """Seconds that dbt spent on each layer's models and seeds, and on tests; empty where it left no results."""
    path = dbt_target / "run_results.json"
    if not path.exists():
        return {}
    seconds: dict[str, float] = defaultdict(float)
    for result in json.loads(path.read_text(encoding="utf-8"))["results"]:
        node = manifest["nodes"].get(result["unique_id"])
        if node:
            layer = "tests" if node["resource_type"] == "test" else dbt_layer(node)
            seconds[f"seconds/{layer}"] += float(result["execution_time"])
    return {name: round(value, 2) for name, value in sorted(seconds.items())}


def _plottable(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_/]+", "_", name)
