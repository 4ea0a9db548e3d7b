"""When the calculation runs by itself: once every source has landed today, and again when one lands later.

Declarative: the condition looks at what has landed, not at the clock, so that a slow or repeated landing moves the
calculation instead of being missed by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any

import dagster as dg

from orchestration.defs.schedules import BEGUN_ANEW
from orchestration.defs.translator import PUBLISHED_KEY
from orchestration.operating.cadences import Cadences

Condition = dg.AutomationCondition[Any]


def calculation_condition(
    landed: Iterable[dg.AssetKey], awaited: Iterable[dg.AssetKey], cron: str, timezone: str
) -> Condition:
    """The one condition of everything that the calculation makes, so that it is always requested whole.

    Args:
        landed: one landed table of each source; a source lands whole or not at all.
        awaited: those of them that must have landed since the last tick of ``cron``.
        cron: when a day starts, in ``timezone``.
    """
    news = reduce(or_, (_matches(key, dg.AutomationCondition.newly_updated()) for key in landed))
    requested = _matches(PUBLISHED_KEY, dg.AutomationCondition.newly_requested())
    running = _matches(PUBLISHED_KEY, dg.AutomationCondition.in_progress())
    today = (
        _matches(
            key,
            dg.AutomationCondition.newly_updated().since(
                dg.AutomationCondition.cron_tick_passed(cron, timezone)
            ),
        )
        for key in awaited
    )
    # A landing in the very tick that takes note of the last request is news too, and would else be taken off with it.
    unread = (news.since(requested) | news).with_label("something landed that no calculation has read")
    return reduce(and_, today, unread) & ~running


def _matches(key: dg.AssetKey, condition: Condition) -> Condition:
    return dg.AutomationCondition.asset_matches(key, condition)


def automated(
    assets: Sequence[dg.AssetsDefinition], landed: Mapping[str, Sequence[dg.AssetKey]], cadences: Cadences
) -> list[dg.AssetsDefinition]:
    """The assets with what makes them run by themselves: freshness for landed tables, the condition for the rest.

    Args:
        landed: the landed tables of each system.
    """
    condition = calculation_condition(
        [keys[0] for keys in landed.values()],
        [keys[0] for system, keys in landed.items() if system not in cadences.optional],
        cadences.day_starts,
        cadences.timezone,
    )
    policies = {
        key: dg.FreshnessPolicy.time_window(
            fail_window=cadences.freshness_of(system).fail, warn_window=cadences.freshness_of(system).warn
        )
        for system, keys in landed.items()
        for key in keys
    }

    def with_cadence(spec: dg.AssetSpec) -> dg.AssetSpec:
        if spec.key in policies:
            return spec.replace_attributes(freshness_policy=policies[spec.key])
        return spec.replace_attributes(automation_condition=condition)

    return [asset.map_asset_specs(with_cadence) for asset in assets]


def automation_sensor(seconds: int) -> dg.AutomationConditionSensorDefinition:
    """The sensor that looks at the condition, as often as ``seconds`` says."""
    return dg.AutomationConditionSensorDefinition(
        "calculation_sensor",
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=seconds,
        run_tags=BEGUN_ANEW,
        description="Calculates once every source has landed today, and again when one lands later.",
    )
