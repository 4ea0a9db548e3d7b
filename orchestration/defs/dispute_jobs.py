"""Disputes as Dagster jobs: the same functions as the commands."""

import dagster as dg

from orchestration.books import disputes
from orchestration.books.desk import Desk
from orchestration.defs.closing_jobs import _act, _job


class FileDisputeConfig(dg.Config):
    """What is disputed: a line, or a payee's payout of a month. ``claim`` is the text of a decimal."""

    line: str | None = None
    payee: str | None = None
    period: str | None = None
    plan: str | None = None
    deal: str | None = None
    currency: str | None = None
    claim: str | None = None
    reason: str
    by: str
    dry_run: bool = False


class AnswerDisputeConfig(dg.Config):
    """Which dispute is answered, and how."""

    number: int
    reason: str
    by: str
    dry_run: bool = False


class DecideDisputeConfig(dg.Config):
    """Which dispute is accepted or rejected, and which adjustment settles it."""

    number: int
    is_accepted: bool
    adjustment: int | None = None
    reason: str
    by: str
    dry_run: bool = False


class WithdrawDisputeConfig(dg.Config):
    """Which dispute is taken back, and why."""

    number: int
    reason: str
    by: str
    dry_run: bool = False


@dg.op
def file_a_dispute(context: dg.OpExecutionContext, config: FileDisputeConfig) -> None:
    """File a dispute against a line, or against a payee's payout of a month."""
    line, payee, period = config.line, config.payee, config.period
    if (line is None) == (payee is None or period is None):
        raise dg.Failure("Write a line, or payee and period; not both", allow_retries=False)

    def filed(desk: Desk) -> list[str]:
        if line is not None:
            return disputes.file_line(desk, line, claim=config.claim, reason=config.reason, actor=config.by)
        return disputes.file_payout(
            desk,
            payee_id=str(payee),
            period_code=str(period),
            plan_id=config.plan,
            transaction_id=config.deal,
            currency_code=config.currency,
            claim=config.claim,
            reason=config.reason,
            actor=config.by,
        )

    _act(context, config.dry_run, filed)


@dg.op
def answer_a_dispute(context: dg.OpExecutionContext, config: AnswerDisputeConfig) -> None:
    """Answer a dispute without deciding it."""
    _act(
        context,
        config.dry_run,
        lambda desk: disputes.answer(desk, config.number, reason=config.reason, actor=config.by),
    )


@dg.op
def decide_a_dispute(context: dg.OpExecutionContext, config: DecideDisputeConfig) -> None:
    """Accept or reject a dispute."""
    _act(
        context,
        config.dry_run,
        lambda desk: disputes.decide(
            desk,
            config.number,
            is_accepted=config.is_accepted,
            adjustment_number=config.adjustment,
            reason=config.reason,
            actor=config.by,
        ),
    )


@dg.op
def withdraw_a_dispute(context: dg.OpExecutionContext, config: WithdrawDisputeConfig) -> None:
    """Take a dispute back."""
    _act(
        context,
        config.dry_run,
        lambda desk: disputes.withdraw_dispute(desk, config.number, reason=config.reason, actor=config.by),
    )


DISPUTE_JOBS = [
    _job("file_dispute", file_a_dispute),
    _job("answer_dispute", answer_a_dispute),
    _job("decide_dispute", decide_a_dispute),
    _job("withdraw_dispute", withdraw_a_dispute),
]
