"""Exports: payroll files and journals. Each function returns what it did, line by line.

Which amounts, and every character of a file, is SQL (`rpt_payroll_files`, `rpt_journal_files`); here files are written once,
recorded and exported. Every function raises BooksError when it refuses, and has then written nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestration.books.desk import Desk
from orchestration.books.exports import Draft, Export, write_export
from orchestration.books.period import PERIOD_CODE, next_period
from orchestration.warehouse.files import (
    MADE_LETTERS_MAX,
    RESERVED_NAMES,
    BooksError,
    file_hash,
    is_plain_name,
    replace_durably,
)
from orchestration.warehouse.settings import shown
from orchestration.wording import money

# What a payroll file settles: the amounts of the ledger that it counts, and what it pays.
PAYROLL_SETTLED = """
    select
      'item' as line_kind_code, pay_group_id, pay_cycle_code, payee_id, plan_id, period_code, entry_kind_code,
      null::varchar as earnings_code, null::varchar as posting_code, null::varchar as account_code, currency_code,
      (counted_amount - exported_amount)::decimal(18, 4) as line_amount
    from marts.fct_payroll_items
    where pay_group_id = ? and pay_cycle_code = ? and currency_code = ? and counted_amount <> exported_amount
    union all
    select
      'payment', pay_group_id, pay_cycle_code, payee_id, null, null, null, earnings_code, null, null, currency_code,
      new_amount
    from marts.fct_payroll_lines
    where pay_group_id = ? and pay_cycle_code = ? and currency_code = ? and new_amount <> 0
    order by all
"""


# What a journal settles: by how much it moves each account of each entry.
JOURNAL_SETTLED = """
    select
      'journal' as line_kind_code, null::varchar as pay_group_id, null::varchar as pay_cycle_code, null::varchar as payee_id,
      plan_id, period_code, entry_kind_code, null::varchar as earnings_code, posting_code, account_code, currency_code,
      (debit_amount - credit_amount)::decimal(18, 4) as line_amount
    from marts.rpt_journal_files
    where period_code = ? and currency_code = ? and line_number > 1
    order by all
"""


def payroll(desk: Desk, pay_cycle_code: str, pay_group_id: str | None, actor: str) -> list[str]:
    """Export what a pay cycle pays and no file has paid yet: one file per pay group and currency."""
    rows = desk.ask(
        """
        select * from marts.rpt_payroll_cycles
        where pay_cycle_code = ? and (? is null or pay_group_id = ?) order by cycle_key
        """,
        [pay_cycle_code, pay_group_id, pay_group_id],
    )
    if not rows:
        raise BooksError(_no_such_cycle(desk, pay_cycle_code, pay_group_id))
    to_do = [row for row in rows if row["payee_count"]]
    for row in to_do:
        _refuse_unwritable(desk, row)
        _refuse_earlier(desk, row)
    told = []
    for row in rows:
        key = (row["pay_group_id"], pay_cycle_code, row["currency_code"])
        if row in to_do:
            facts = {"period_code": pay_cycle_code, "currency_code": row["currency_code"]}
            told += _export(desk, _payroll_draft(desk, key, row["new_amount"]), actor, facts)
        else:
            told += _nothing_new(desk, " ".join(key), _payroll_exports(desk, key))
        told += _left_over(row)
    return told


def _payroll_draft(desk: Desk, key: tuple[str, str, str], total: Decimal) -> Draft:
    lines = desk.ask(
        """
        select export_name, file_name, sequence_number, line_text from marts.rpt_payroll_files
        where pay_group_id = ? and pay_cycle_code = ? and currency_code = ? order by line_number
        """,
        list(key),
    )
    return Draft(
        export_code="payroll",
        export_name=_plain_folder(lines[0]["export_name"]),
        pay_group_id=key[0],
        export_period_code=key[1],
        currency_code=key[2],
        sequence_number=lines[0]["sequence_number"],
        file_name=_plain_name(lines[0]["file_name"]),
        lines=tuple(line["line_text"] for line in lines),
        total_amount=str(total),
        settled=PAYROLL_SETTLED,
        parameters=(*key, *key),
    )


def _payroll_exports(desk: Desk, key: tuple[str, str, str]) -> list[Export]:
    return [
        export
        for export in desk.exports
        if export.export_code == "payroll"
        and (export.pay_group_id, export.export_period_code, export.currency_code) == key
    ]


def _refuse_unwritable(desk: Desk, row: dict[str, Any]) -> None:
    found = desk.ask(
        """
        select lines.payee_id, lines.earnings_code, reasons.description, reasons.fix
        from marts.fct_payroll_lines as lines
        inner join seeds.reason_codes as reasons on lines.reason_code = reasons.reason_code
        where lines.pay_group_id = ? and lines.pay_cycle_code = ? and lines.currency_code = ?
        order by lines.payroll_line_key
        """,
        [row["pay_group_id"], row["pay_cycle_code"], row["currency_code"]],
    )
    if found:
        raise BooksError(
            f"{len(found)} lines of {row['pay_group_id']} {row['pay_cycle_code']} cannot be written, the first: payee "
            f"{found[0]['payee_id']}, code '{found[0]['earnings_code']}': {found[0]['description']}. {found[0]['fix']}, "
            "then run. Nothing was exported"
        )


def _refuse_earlier(desk: Desk, row: dict[str, Any]) -> None:
    earlier = desk.ask(
        """
        select pay_cycle_code from marts.rpt_payroll_cycles
        where pay_group_id = ? and currency_code = ? and pay_date < ? and payee_count > 0 order by pay_date
        """,
        [row["pay_group_id"], row["currency_code"], row["pay_date"]],
    )
    if earlier:
        raise BooksError(
            f"{earlier[0]['pay_cycle_code']} of {row['pay_group_id']} has something to pay first: cycles are exported in "
            f"their order. commissions payroll {earlier[0]['pay_cycle_code']}. Nothing was exported"
        )


def _no_such_cycle(desk: Desk, pay_cycle_code: str, pay_group_id: str | None) -> str:
    planned = desk.ask(
        "select 1 from seeds.pay_cycles where pay_cycle_code = ? and (? is null or pay_group_id = ?)",
        [pay_cycle_code, pay_group_id, pay_group_id],
    )
    if planned:
        return f"the ledger has nothing for the pay cycle {pay_cycle_code}. Nothing was exported"
    of_group = f" of the pay group {pay_group_id}" if pay_group_id else ""
    return (
        f"there is no pay cycle {pay_cycle_code}{of_group}; see seeds/payroll/pay_cycles.csv, and `commissions payroll` "
        "for those with amounts"
    )


def _left_over(row: dict[str, Any]) -> list[str]:
    told = []
    currency = row["currency_code"]
    if row["waiting_text"]:
        told.append(f"  not in it, {money(row['waiting_amount'])} {currency}: {row['waiting_text']}")
    if row["carried_out_amount"]:
        told.append(f"  carried into the next cycle: {money(row['carried_out_amount'])} {currency}")
    if row["withheld_amount"]:
        told.append(
            f"  withheld for review: {money(row['withheld_amount'])} {currency}; decide in seeds/payroll/net_reviews.csv"
        )
    return told


def payroll_cycles(desk: Desk) -> list[dict[str, Any]]:
    """The pay cycles with amounts of the ledger, in the order of their pay dates."""
    return desk.ask(
        "select * from marts.rpt_payroll_cycles order by pay_date, pay_group_id, pay_cycle_code, currency_code"
    )


def journal(desk: Desk, period_code: str, actor: str) -> list[str]:
    """Export the part of a month's journal that no file holds yet: one file per currency."""
    if not desk.ask("select 1 from seeds.posting_rules limit 1"):
        raise BooksError("no journal is kept here: seeds/accounting/posting_rules.csv has no rows")
    _refuse_unfinished(desk, period_code)
    new = desk.ask(
        """
        select currency_code, sum(debit_amount) as debit_amount, sum(credit_amount) as credit_amount
        from marts.rpt_journal_files where period_code = ? group by currency_code order by currency_code
        """,
        [period_code],
    )
    known = {
        export.currency_code
        for export in desk.exports
        if export.export_code == "journal" and export.export_period_code == period_code
    }
    if not new and not known:
        raise BooksError(f"{period_code} has no entries; `commissions journal` lists the months that have")
    told = []
    for row in new:
        if row["debit_amount"] != row["credit_amount"]:
            raise BooksError(
                f"the journal of {period_code} does not balance in {row['currency_code']}: debits {row['debit_amount']:,}, "
                f"credits {row['credit_amount']:,}. Nothing was exported"
            )
        key = (period_code, row["currency_code"])
        facts = {"period_code": period_code, "currency_code": row["currency_code"]}
        told += _export(desk, _journal_draft(desk, key, row["debit_amount"]), actor, facts)
    for currency in sorted(known - {row["currency_code"] for row in new}):
        exports = [
            export
            for export in desk.exports
            if (export.export_code, export.export_period_code, export.currency_code)
            == ("journal", period_code, currency)
        ]
        told += _nothing_new(desk, f"{period_code} {currency}", exports)
    return told


def _journal_draft(desk: Desk, key: tuple[str, str], total: Decimal) -> Draft:
    lines = desk.ask(
        """
        select export_name, file_name, sequence_number, line_text from marts.rpt_journal_files
        where period_code = ? and currency_code = ? order by line_number
        """,
        list(key),
    )
    return Draft(
        export_code="journal",
        export_name=_plain_folder(lines[0]["export_name"]),
        pay_group_id=None,
        export_period_code=key[0],
        currency_code=key[1],
        sequence_number=lines[0]["sequence_number"],
        file_name=_plain_name(lines[0]["file_name"]),
        lines=tuple(line["line_text"] for line in lines),
        total_amount=str(total),
        settled=JOURNAL_SETTLED,
        parameters=key,
    )


def _refuse_unfinished(desk: Desk, period_code: str) -> None:
    if not PERIOD_CODE.fullmatch(period_code):
        raise BooksError(f"'{period_code}' is not a month; write it as 2014-03")
    last_day = date.fromisoformat(f"{next_period(period_code)}-01") - timedelta(days=1)
    if desk.as_of_date < last_day:
        raise BooksError(
            f"{period_code} has not ended: the journal is written to {desk.as_of_date}. Run to {last_day} or later "
            "(COMMISSIONS_AS_OF_DATE), then export. Nothing was exported"
        )
    waiting = desk.ask(
        """
        select plan_id, period_code, state_code from marts.fct_calculations
        where period_code <= ? and not (state_code = 'paid' or (state_code = 'approved' and not is_stale))
        order by period_code, plan_id
        """,
        [period_code],
    )
    if waiting:
        listed = "; ".join(
            f"{row['plan_id']} {row['period_code']} is {row['state_code']}" for row in waiting[:3]
        )
        more = f" and {len(waiting) - 3} more" if len(waiting) > 3 else ""
        raise BooksError(
            f"{period_code} rests on months that are not approved: {listed}{more}. Approve or close them. "
            "Nothing was exported"
        )


def journal_months(desk: Desk) -> list[dict[str, Any]]:
    """The months with entries, by currency: debits of the journal, of files, and of the next file."""
    return desk.ask(
        """
        with entries as (
          select period_code, currency_code, sum(debit_amount) as debit_amount
          from marts.fct_journal_lines group by all
        ),
        news as (
          select period_code, currency_code, sum(debit_amount) as debit_amount
          from marts.rpt_journal_files group by all
        ),
        files as (
          select export_period_code as period_code, currency_code, count(*) as file_count
          from marts.fct_exports where export_code = 'journal' group by all
        )
        select
          period_code, currency_code, coalesce(files.file_count, 0) as file_count,
          coalesce(entries.debit_amount, 0) as debit_amount, coalesce(news.debit_amount, 0) as new_amount
        from entries
        full join news using (period_code, currency_code)
        left join files using (period_code, currency_code)
        order by all
        """
    )


def _export(desk: Desk, draft: Draft, actor: str, facts: dict[str, Any]) -> list[str]:
    """Write a file once: its record first, then the action, then the file itself."""
    summary = f"{len(draft.lines) - 1:,} rows, {money(Decimal(draft.total_amount))} {draft.currency_code}"
    if desk.is_dry_run:
        return [f"{draft.export_name}: {summary} would be exported by {actor}, {draft.file_name}:"] + [
            f"  {line}" for line in draft.lines
        ]
    export = write_export(
        desk.warehouse,
        desk.exports_folder,
        desk.exports,
        draft,
        exported_at=desk.acted_at,
        exported_by=actor,
    )
    desk.exports.append(export)
    desk.act(
        f"export_{export.export_code}",
        actor,
        **facts,
        amount=export.total_amount,
        reason=export.export_name,
        reference_number=export.export_number,
        lines_fingerprint=export.export_hash,
    )
    path = hand_out(desk, export)
    return [f"{export.export_name}: exported by {actor}, {summary}; {_named(export, path)}"]


def _nothing_new(desk: Desk, name: str, exports: Sequence[Export]) -> list[str]:
    if not exports:
        return [f"{name}: nothing to export"]
    told = [f"{name}: nothing new since {exports[-1].export_name}"]
    for export in exports:
        path = export.file if desk.is_dry_run else hand_out(desk, export)
        told.append(
            f"  {export.export_name}: {export.row_count:,} rows, {money(Decimal(export.total_amount))} "
            f"{export.currency_code}, by {export.exported_by}; {_named(export, path)}"
        )
    return told


def hand_out(desk: Desk, export: Export) -> Path:
    """Put the recorded file into the folder of exports, where it is fetched; an edited copy is replaced."""
    target = desk.settings.exports / export.export_name / export.file_name
    if not target.exists() or file_hash(target) != export.files[export.file_name]:
        replace_durably(target, export.file.read_bytes())
    return target


def _named(export: Export, path: Path) -> str:
    return f"sha256 {export.files[export.file_name][:12]}, {shown(path)}"


def _plain_name(name: str) -> str:
    """The name of a file. Raises BooksError where it leaves its folder, or is a file of the record itself."""
    if not is_plain_name(name, MADE_LETTERS_MAX) or name.lower() in RESERVED_NAMES:
        raise BooksError(
            f"'{name}' is not a plain file name, or one of {', '.join(sorted(RESERVED_NAMES))}; correct file_name in "
            "seeds/payroll/payroll_layouts.csv. Nothing was exported"
        )
    return name


def _plain_folder(name: str) -> str:
    """The name of an export, which is a folder. Raises BooksError where it leaves the folder of exports."""
    if not is_plain_name(name, MADE_LETTERS_MAX):
        raise BooksError(
            f"'{name}' cannot be the name of an export; correct the pay group, pay cycle or plan that it is made of. Nothing was exported"
        )
    return name
