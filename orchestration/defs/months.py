"""Each month as a partition: its figures side by side in Dagster, a year of them by one backfill.

The calculation itself is not cut into months: running totals, clawbacks and corrections cross them, so it is always whole. What a month
posts, and what has corrected it since, is reviewed month by month.
"""

import dagster as dg

from orchestration.defs.run_figures import whole_units
from orchestration.defs.translator import MONTH_KEY, PUBLISHED_GROUP, PUBLISHED_KEY
from orchestration.warehouse.marts_file import MartsFileError, open_marts
from orchestration.warehouse.settings import RunSettings

AMOUNTS = ("posted_amount", "corrections_amount", "corrected_later_amount", "worth_today_amount")
REVIEW = f"""
    select currency_code, is_closed, line_count, payee_count, {", ".join(AMOUNTS)}
    from rpt_month_reviews where period_code = ? order by currency_code
"""


def months(first_month: str) -> dg.MonthlyPartitionsDefinition:
    """All months from ``first_month`` (YYYY-MM) to the running one."""
    return dg.MonthlyPartitionsDefinition(start_date=f"{first_month}-01", end_offset=1)


def reviewed_month(first_month: str) -> dg.AssetsDefinition:
    """The asset whose partitions are months."""

    @dg.asset(
        key=MONTH_KEY,
        group_name=PUBLISHED_GROUP,
        kinds={"duckdb"},
        deps=[dg.AssetDep(PUBLISHED_KEY)],
        partitions_def=months(first_month),
    )
    def reviewed(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """What a month posts and what has corrected it since, from the published marts."""
        settings = RunSettings.from_env()
        period_code = context.partition_key[:7]
        if not settings.published.exists():
            raise dg.Failure("Nothing is published yet: start daily first.", allow_retries=False)
        try:
            with open_marts(settings.published, settings.published_key()) as marts:
                rows = marts.execute(REVIEW, [period_code]).fetchall()
        except MartsFileError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        # Whole units: for the plots over months. The amounts are in the table.
        figures = {
            f"{name.removesuffix('_amount')}/{currency}": whole_units(amount)
            for currency, _, _, _, *amounts in rows
            for name, amount in zip(AMOUNTS, amounts, strict=True)
        }
        table = "\n".join(
            f"| {currency} | {'closed' if is_closed else 'open'} | {lines} | {payees} | "
            + " | ".join(f"{amount:,.2f}" for amount in amounts)
            + " |"
            for currency, is_closed, lines, payees, *amounts in rows
        )
        header = (
            "| currency | state | lines | payees | posted | corrects earlier months | corrected later | worth today |\n"
            "|---|---|---|---|---|---|---|---|\n"
        )
        return dg.MaterializeResult(
            metadata={
                "month": dg.MetadataValue.md(
                    header + table if rows else f"Nothing is posted in {period_code}."
                ),
                "lines": sum(row[2] for row in rows),
                **figures,
            }
        )

    return reviewed
