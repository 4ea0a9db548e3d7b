"""What comes out of the calculation, one class a kind of row."""

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from oracle.company import Payment, PlanVersion, Transaction, Window


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
    def order(self) -> tuple[date, str, str]:
        """The place within a window."""
        return self.credit_date, self.transaction.transaction_id, self.credit_id


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
    moves: list[Credit]  # all progress of the window, also from other versions and plans
    credits: list[Credit]  # its own
    attained: Fraction | None = None
    ratio: Fraction | None = None

    @property
    def credited(self) -> Fraction:
        return sum((credit.credited or Fraction(0) for credit in self.credits), Fraction(0))

    def moves_to(self, day: date) -> list[Credit]:
        return [move for move in self.moves if move.credit_date < min(day, self.end)]


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
    payment: Payment
    transaction_id: str | None
    reason: str | None
    collected: Fraction | None = None
    before: Fraction | None = None  # collected on the deal, all its invoices together
    after: Fraction | None = None


@dataclass
class Line:
    reward_id: str
    plan_id: str
    payee_id: str
    event: str  # booking | payment | refund; bonus | floor
    payment_id: str | None
    event_date: date
    currency: str
    amount: Fraction

    @property
    def period(self) -> str:
        return f"{self.event_date:%Y-%m}"


@dataclass
class Result:
    dispositions: dict[tuple[str, str | None], Disposition] = field(default_factory=dict)
    credits: dict[str, Credit] = field(default_factory=dict)
    refused: list[Credit] = field(default_factory=list)
    windows: dict[str, WindowRow] = field(default_factory=dict)
    rewards: dict[str, Reward] = field(default_factory=dict)
    commissions: dict[tuple[str, str | None], Commission] = field(default_factory=dict)  # reward, payee
    collections: dict[str, Collection] = field(default_factory=dict)
    lines: dict[tuple[str, str, str | None], Line] = field(default_factory=dict)  # reward, payee, payment
    payouts: dict[tuple[str, str, str, str], Fraction] = field(default_factory=dict)
    # payee, plan, period, currency
