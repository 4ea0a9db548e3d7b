"""The open deals of the CRM, treated as won: written into the scratch's staging tables, which the real models read.

Which deals are open, when they close and what a won deal looks like is `seeds/planning`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import duckdb
import yaml

from orchestration.planning.scratch import PlanningError, Scratch, literal, read_rows, seed_file
from orchestration.warehouse.settings import DBT_PROJECT_DIR

# Added to the staging tables: the deal's number where it is open, so that a plan's filter can choose among open deals.
NUMBER = "_open_deal_number"
DEALS = "planning.open_deals"


def transaction_sources() -> Mapping[str, Mapping[str, str]]:
    """The staging models of each source object (vars.transaction_sources of dbt_project.yml)."""
    project = yaml.safe_load((DBT_PROJECT_DIR / "dbt_project.yml").read_text(encoding="utf-8"))
    sources: Mapping[str, Mapping[str, str]] = project["vars"]["transaction_sources"]
    return sources


def staging_models() -> list[str]:
    """The staging models that hold deals."""
    return [model for models in transaction_sources().values() for model in models.values()]


def win_open_deals(scratch: Scratch, as_of: date) -> int:
    """Turn the open deals of the staging tables into won ones. Returns their number; they are listed in `planning.open_deals`.

    Raises PlanningError when an expression of seeds/planning does not fit the deals.
    """
    _, sources = read_rows(seed_file(scratch.seeds, "open_deals"))
    _, fields = read_rows(seed_file(scratch.seeds, "won_fields"))
    with duckdb.connect(str(scratch.warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("create schema planning")
        connection.execute(
            f"""
            create table {DEALS} (
              deal_number bigint, transaction_id varchar, source_object varchar, expected_close_date date,
              is_overdue boolean, probability_ratio decimal(18, 10)
            )
            """
        )
        for source in sources:
            models = transaction_sources().get(source["source_object"])
            if models is None:
                raise PlanningError(
                    f"seeds/planning/open_deals.csv: '{source['source_object']}' is not an object of the data pool"
                )
            won = {
                row["field_name"]: row["won_expression"]
                for row in fields
                if row["source_object"] == source["source_object"]
            }
            _win(connection, source, models, won, as_of)
        [count] = connection.execute(f"select count(*) from {DEALS}").fetchone() or (0,)
    return int(count)


def _win(
    connection: duckdb.DuckDBPyConnection,
    source: Mapping[str, str],
    models: Mapping[str, str],
    won: Mapping[str, str],
    as_of: date,
) -> None:
    current = f"staging.{models['current']}"
    day, name = f"cast({literal(as_of)} as date)", source["source_object"]
    try:
        connection.execute(
            f"""
            insert into {DEALS}
            with expected as (
              select transaction_id, cast(({source["close_date_expression"]}) as date) as stated_close_date,
                cast(({source["probability_expression"]}) as decimal(18, 10)) as probability_ratio
              from {current}
              where coalesce(({source["open_expression"]}), false) and not is_deleted_in_source
            )
            select
              row_number() over (order by transaction_id) + coalesce((select max(deal_number) from {DEALS}), 0),
              transaction_id, {literal(name)}, greatest(coalesce(stated_close_date, {day}), {day}),
              coalesce(stated_close_date < {day}, true), probability_ratio
            from expected
            """
        )
    except duckdb.Error as error:
        raise PlanningError(f"seeds/planning/open_deals.csv, {name}: {str(error).splitlines()[0]}") from None
    # The scratch's own tables take the place of the views; the models read them by the same names.
    replaced = ", ".join(
        f'case when {NUMBER} is null then "{field}" else ({expression}) end as "{field}"'
        for field, expression in won.items()
    )
    try:
        connection.execute(
            f"""
            create table planning.won_rows as
            select * {f"replace ({replaced})" if replaced else ""}
            from (
              select deals.*, open_deals.deal_number as {NUMBER}, open_deals.expected_close_date
              from {current} as deals
              left join {DEALS} as open_deals on deals.transaction_id = open_deals.transaction_id
            )
            """
        )
    except duckdb.Error as error:
        raise PlanningError(f"seeds/planning/won_fields.csv, {name}: {str(error).splitlines()[0]}") from None
    connection.execute("alter table planning.won_rows drop column expected_close_date")
    for basis, model in models.items():
        rows = "from planning.won_rows"
        if basis != "current":  # an open deal has no close: plans read it as it is now
            rows = f"select *, cast(null as bigint) as {NUMBER} from staging.{model}"
        connection.execute(f"create table planning.replacement as {rows}")
        connection.execute(f"drop view staging.{model}")
        connection.execute(f"create table staging.{model} as from planning.replacement")
        connection.execute("drop table planning.replacement")
    connection.execute("drop table planning.won_rows")


def horizon(scratch: Scratch, as_of: date) -> date:
    """The last day on which an open deal is expected to close; the as-of date where none is later."""
    with duckdb.connect(str(scratch.warehouse), read_only=True) as connection:
        found: Any = connection.execute(f"select max(expected_close_date) from {DEALS}").fetchone()
    return max(found[0] or as_of, as_of)
