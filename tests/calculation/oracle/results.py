"""What comes out of the calculation, one class a kind of row."""

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from tests.calculation.oracle.company import Payment, PlanVersion, Transaction, Window


@dataclass
class Disposition:
    """What became of a transaction under a plan. No reason: credited."""

    transaction_id: str
    plan_id: str | None
    reason: str | None
    value: Fraction | None = None
    credited: Fraction | None = None
    credit_count: int = 0


@dataclass
class Worth:
    """What a transaction is worth under a plan, in the plan's currency or unit."""

    value: Fraction
    payable: Fraction  # on which the rate is paid
    weight: Fraction | None
    dimensions: tuple[str | None, str | None, str | None]


@dataclass
class Credit:
    """A candidate for a credit; with a reason it stays one. No payee: a whole rule that credits nobody."""

    plan: PlanVersion
    transaction: Transaction
    worth: Worth
    rule_group: str
    recipient: str | None  # the payee at level 0, or the alias behind which there is none
    payee_id: str | None
    credit_type: str
    level: int
    credit_date: date
    credited: Fraction | None
    payable: Fraction | None
    reason: str | None = None
    window: Window | None = None
    before: Fraction = Fraction(0)  # progress of the window before and after this credit
    after: Fraction = Fraction(0)
    is_first: bool = False  # of all credits of the running total
    payable_before: Fraction = Fraction(0)
    payable_after: Fraction = Fraction(0)

    @property
    def credit_id(self) -> str:
        parts = (self.plan.plan_id, self.transaction.transaction_id, self.credit_type, self.payee_id)
        return "|".join(str(part) for part in (*parts, self.level, self.rule_group, self.recipient))

    @property
    def window_key(self) -> str:
        assert self.window is not None
        key = f"{self.plan.plan_id}|{self.plan.valid_from}|{self.payee_id}|{self.window.window_code}"
        return f"{key}|{self.credit_id}" if self.window.calendar_id == "transaction" else key

    @property
    def move_date(self) -> date:
        return self.credit_date

    @property
    def order(self) -> tuple[date, str, str]:
        """The place within a window."""
        return self.credit_date, self.transaction.transaction_id, self.credit_id


@dataclass
class Deduction:
    """What a lost part of a credit takes off the running total of a later window; it is not paid."""

    credit: Credit
    plan: PlanVersion  # in force on the day of the move
    window: Window
    move_date: date
    number: int  # of the change of the deal's loss
    amount: Fraction
    after: Fraction = Fraction(0)

    @property
    def order(self) -> tuple[date, str, str]:
        move_id = f"{self.credit.credit_id}|{self.number}"
        return self.move_date, self.credit.transaction.transaction_id, move_id


Move = Credit | Deduction


@dataclass
class WindowRow:
    """One payee's window under one plan version."""

    window_key: str
    plan: PlanVersion
    payee_id: str
    window: Window
    end: date  # of the plan version's part of the window
    parameters_date: date
    quota: Fraction | None
    reason: str | None
    moves: list[Move]  # all progress of the window, also from other versions and plans
    credits: list[Credit]  # its own
    attained: Fraction | None = None
    ratio: Fraction | None = None

    @property
    def credited(self) -> Fraction:
        return sum((credit.credited or Fraction(0) for credit in self.credits), Fraction(0))

    def moves_to(self, day: date) -> list[Move]:
        return [move for move in self.moves if move.move_date < min(day, self.end)]

    def credits_to(self, day: date) -> list[Credit]:
        return [move for move in self.moves_to(day) if isinstance(move, Credit)]


@dataclass
class Reward:
    """An amount that a payee earns for a credit, or for an attainment; a floor adds what is missing."""

    reward_id: str
    kind: str  # credit | bonus | floor | custom
    plan: PlanVersion
    payee_id: str
    reward_date: date
    amount: Fraction  # not rounded before the last step
    row: WindowRow | None = None
    credit: Credit | None = None
    reason: str | None = None
    before_floors: Fraction | None = None  # after gates and multipliers, where the plan has modifiers

    @property
    def order(self) -> tuple[date, str, str]:
        transaction_id = self.credit.transaction.transaction_id if self.credit else ""
        return self.reward_date, transaction_id, self.reward_id


@dataclass
class Commission:
    """A rounded reward, or one beneficiary's part of it. No payee: there is no beneficiary."""

    reward: Reward
    payee_id: str | None
    amount: Fraction
    reason: str | None = None


@dataclass
class Collection:
    """A billing row, and what it collected of its deal. A credit memo collects nothing: it returns."""

    payment: Payment
    transaction_id: str | None
    reason: str | None
    net: Fraction | None = None  # of the row, tax and freight taken out
    before: Fraction | None = None  # collected on the deal, all its invoices together
    after: Fraction | None = None

    @property
    def is_memo(self) -> bool:
        return self.payment.kind == "credit_memo"


@dataclass(frozen=True)
class Change:
    """A change of what a deal has lost (signed as its amount), and which share of the deal is taken with it."""

    cause: str  # refund | credit_memo | payment | unpaid | cancelled
    payment_id: str | None
    day: date
    lost_before: Fraction
    lost_after: Fraction
    weight: tuple[int, int]  # numerator, denominator
    taken_before: Fraction
    taken_after: Fraction

    @property
    def is_rise(self) -> bool:
        return abs(self.lost_after) > abs(self.lost_before)


@dataclass
class Line:
    reward_id: str
    plan_id: str
    payee_id: str
    event: (
        str  # booking | payment | refund | credit_memo | clawback | clawback_return; bonus | floor | custom
    )
    occasion: str | None  # payment id, unpaid, cancelled; None where there is one line only
    payment_id: str | None
    event_date: date
    currency: str
    amount: Fraction
    forfeited: Fraction = Fraction(0)  # what the payee would have got, had they not left

    @property
    def key(self) -> tuple[str, str, str | None]:
        return self.reward_id, self.payee_id, self.occasion


@dataclass
class Part:
    """A part of a line with its own due date; None: held until further notice."""

    line: Line
    code: str  # now | holdback
    due_date: date | None
    amount: Fraction
    is_due: bool

    @property
    def period(self) -> str:
        return month_code(self.due_date) if self.due_date else ""


@dataclass
class Clawback:
    """What a change of its deal's loss does to a commission, also where it takes nothing."""

    commission: Commission
    policy: str
    change: Change
    amount: Fraction  # of the line: what is taken is negative


@dataclass
class Movement:
    """A change of what is withheld of a commission; + raises it."""

    commission: Commission
    code: str  # estimated | earned | expired | revived
    day: date
    amount: Fraction


@dataclass
class DrawLine:
    draw_id: str
    payee_id: str
    plan_id: str
    period: str
    event: str  # draw | draw_recovery
    currency: str
    amount: Fraction
    balance_after: Fraction


def month_code(day: date) -> str:
    return f"{day:%Y-%m}"


Payout = tuple[str, str, str, str]  # payee, plan, period, currency


@dataclass
class Result:
    as_of: date
    dispositions: dict[tuple[str, str | None], Disposition] = field(default_factory=dict)
    credits: dict[str, Credit] = field(default_factory=dict)
    refused: list[Credit] = field(default_factory=list)
    windows: dict[str, WindowRow] = field(default_factory=dict)
    rewards: dict[str, Reward] = field(default_factory=dict)
    commissions: dict[tuple[str, str | None], Commission] = field(default_factory=dict)  # reward, payee
    collections: dict[str, Collection] = field(default_factory=dict)
    # By plan and deal as the plan reads it, in the order of payment.
    matched: dict[tuple[str, str], list[Collection]] = field(default_factory=dict)
    changes: dict[tuple[str, str], list[Change]] = field(
        default_factory=dict
    )  # of the loss, by deal and plan
    lines: dict[tuple[str, str, str | None], Line] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    clawbacks: list[Clawback] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)  # of what is withheld
    draws: list[DrawLine] = field(default_factory=list)
    payouts: dict[Payout, Fraction] = field(default_factory=dict)
