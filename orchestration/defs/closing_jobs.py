"""The actions as Dagster jobs: the same functions as the commands, started from the UI with a form."""

from collections.abc import Callable

import dagster as dg

from orchestration.books import acting
from orchestration.books.desk import Desk, open_desk
from orchestration.books.verify import verify as verify_books
from orchestration.warehouse.files import BooksError
from orchestration.warehouse.lock import RunLock
from orchestration.warehouse.publish import PublishError
from orchestration.warehouse.settings import RunSettings


class ReleaseConfig(dg.Config):
    """What to release: `credits` or `rewards` of a month, of one plan or of all."""

    what: str
    period: str
    plan: str | None = None
    by: str
    dry_run: bool = False


class ApproveConfig(dg.Config):
    """Which month to approve, of one plan or of all."""

    period: str
    plan: str | None = None
    by: str
    dry_run: bool = False


class WithdrawConfig(dg.Config):
    """Which plan's month goes back to draft, and why."""

    period: str
    plan: str
    reason: str
    by: str
    dry_run: bool = False


class AdjustConfig(dg.Config):
    """A manual adjustment: ``amount`` is the text of a decimal in ``currency``."""

    payee: str
    plan: str
    period: str
    amount: str
    currency: str
    reason: str
    by: str
    dry_run: bool = False


class EditsConfig(dg.Config):
    """The deal whose edits after its close are to count, and why."""

    deal: str
    reason: str
    by: str
    dry_run: bool = False


class DecideConfig(dg.Config):
    """Which adjustment, or request to count edits, is approved or rejected."""

    number: int
    is_approved: bool
    reason: str = ""
    by: str
    dry_run: bool = False


class ReverseConfig(dg.Config):
    """Which adjustment is reversed, and why."""

    number: int
    reason: str
    by: str
    dry_run: bool = False


class CloseConfig(dg.Config):
    """Which month is closed."""

    period: str
    by: str
    dry_run: bool = False


class VerifyConfig(dg.Config):
    """Whether the ledger is calculated again."""

    rebuild: bool = False


def _act(context: dg.OpExecutionContext, dry_run: bool, what: Callable[[Desk], list[str]]) -> None:
    def tell(holder: str) -> None:
        context.log.info(f"Waiting for another run to end: {holder}")

    try:
        with open_desk(RunSettings.from_env(), is_dry_run=dry_run, wait=True, on_wait=tell) as desk:
            told = what(desk)
    except (BooksError, PublishError) as error:
        raise dg.Failure(f"Refused: {error}.", allow_retries=False) from None
    for line in told:
        context.log.info(line)


@dg.op
def release_period(context: dg.OpExecutionContext, config: ReleaseConfig) -> None:
    """Release the credits or the rewards of a month."""
    if config.what not in acting.RELEASES:
        raise dg.Failure(f"what is '{config.what}'; write credits or rewards", allow_retries=False)
    _act(
        context,
        config.dry_run,
        lambda desk: acting.release(desk, config.what, config.period, config.plan, config.by),
    )


@dg.op
def approve_period(context: dg.OpExecutionContext, config: ApproveConfig) -> None:
    """Give the next approval of a month."""
    _act(context, config.dry_run, lambda desk: acting.approve(desk, config.period, config.plan, config.by))


@dg.op
def withdraw_period(context: dg.OpExecutionContext, config: WithdrawConfig) -> None:
    """Take the releases and approvals of a plan's month back."""
    _act(
        context,
        config.dry_run,
        lambda desk: acting.withdraw(desk, config.period, config.plan, config.reason, config.by),
    )


@dg.op
def request_adjustment(context: dg.OpExecutionContext, config: AdjustConfig) -> None:
    """Ask for a manual adjustment."""
    _act(
        context,
        config.dry_run,
        lambda desk: acting.adjust(
            desk,
            payee_id=config.payee,
            plan_id=config.plan,
            period_code=config.period,
            amount=config.amount,
            currency_code=config.currency,
            reason=config.reason,
            actor=config.by,
        ),
    )


@dg.op
def decide_on_adjustment(context: dg.OpExecutionContext, config: DecideConfig) -> None:
    """Approve or reject an adjustment."""
    _act(
        context,
        config.dry_run,
        lambda desk: acting.decide_adjustment(
            desk, config.number, is_approved=config.is_approved, reason=config.reason, actor=config.by
        ),
    )


@dg.op
def request_edits(context: dg.OpExecutionContext, config: EditsConfig) -> None:
    """Ask that the edits of a deal after its close count."""
    _act(
        context,
        config.dry_run,
        lambda desk: acting.accept_edits(desk, config.deal, config.reason, config.by),
    )


@dg.op
def decide_on_edits(context: dg.OpExecutionContext, config: DecideConfig) -> None:
    """Approve or reject a request to count edits."""
    _act(
        context,
        config.dry_run,
        lambda desk: acting.decide_edits(
            desk, config.number, is_approved=config.is_approved, reason=config.reason, actor=config.by
        ),
    )


@dg.op
def reverse_approved_adjustment(context: dg.OpExecutionContext, config: ReverseConfig) -> None:
    """Ask for the reversal of an adjustment."""
    _act(
        context,
        config.dry_run,
        lambda desk: acting.reverse_adjustment(desk, config.number, config.reason, config.by),
    )


@dg.op
def close_period(context: dg.OpExecutionContext, config: CloseConfig) -> None:
    """Close a month for good."""
    _act(context, config.dry_run, lambda desk: acting.close(desk, config.period, config.by))


@dg.op
def verify_all(context: dg.OpExecutionContext, config: VerifyConfig) -> None:
    """Prove the books."""
    settings = RunSettings.from_env()
    try:
        with RunLock(settings.lock, wait=True):
            told = verify_books(settings, is_rebuilt=config.rebuild)
    except BooksError as error:
        raise dg.Failure(f"Not verified: {error}.", allow_retries=False) from None
    for line in told:
        context.log.info(line)


def _job(name: str, op: dg.OpDefinition) -> dg.JobDefinition:
    def body() -> None:
        op()

    body.__name__ = name
    return dg.job(name=name, description=op.description, executor_def=dg.in_process_executor)(body)


JOBS = [
    _job("release", release_period),
    _job("approve", approve_period),
    _job("withdraw", withdraw_period),
    _job("adjust", request_adjustment),
    _job("decide_adjustment", decide_on_adjustment),
    _job("reverse_adjustment", reverse_approved_adjustment),
    _job("accept_edits", request_edits),
    _job("decide_edits", decide_on_edits),
    _job("close", close_period),
    _job("verify", verify_all),
]
