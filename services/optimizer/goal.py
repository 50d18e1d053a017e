"""A savings goal: money in, money out, how returns are drawn, and what may come of it, all in today's money."""

from __future__ import annotations

from dataclasses import dataclass

from services.optimizer.bootstrap import BlockBootstrap
from services.optimizer.glide_path import AssumedReturns
from services.optimizer.log_normal import MONTHS_A_YEAR, LogNormal

PERCENTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Goal:
    """What is paid in and out over `months` months and what it is for; money in the base currency of today.

    withdrawal_month: the month, counted from 0, in which contributions end and withdrawals start; None: never.
    target_value:     wanted worth at the end; with withdrawals 0 means: never run out.
    inflation:        yearly; flows and target grow with it.
    advisory_fee:     yearly share of the worth, charged monthly.
    """

    months: int
    initial_value: float
    monthly_contribution: float
    monthly_withdrawal: float
    withdrawal_month: int | None
    target_value: float
    inflation: float
    advisory_fee: float

    @property
    def paid_months(self) -> int:
        """How many months contributions are paid."""
        return self.months if self.withdrawal_month is None else min(self.withdrawal_month, self.months)

    @property
    def keep(self) -> float:
        """What a month's fee and inflation leave of one unit of money."""
        return float(((1.0 - self.advisory_fee) / (1.0 + self.inflation)) ** (1.0 / MONTHS_A_YEAR))


@dataclass(frozen=True)
class PseudoRandom:
    """Independent paths from a generator of pseudo-random numbers."""

    path_count: int
    seed: int


@dataclass(frozen=True)
class ScrambledSobol:
    """Sobol points in at least 16 independent scrambles; at most one path in 16 is added to fill the last scramble."""

    path_count: int
    seed: int


Sampling = PseudoRandom | ScrambledSobol
Returns = AssumedReturns | LogNormal | BlockBootstrap


@dataclass(frozen=True, eq=False)
class GoalJob:
    """A goal is to be simulated.

    wanted_probability: for which the extra contribution is wanted; None: it is not.
    """

    goal: Goal
    returns: Returns
    sampling: Sampling
    wanted_probability: float | None = None


@dataclass(frozen=True)
class FanPoint:
    """The percentiles of the worth, years from today, in the order of PERCENTILES."""

    year: float
    values: tuple[float, ...]


@dataclass(frozen=True)
class GoalOutcome:
    """What may come of a goal; all of it is hypothetical.

    standard_error:     of the success probability, by chance of the draw only.
    scramble_count:     independent scrambles behind the standard error, 0 for independent paths.
    extra_contribution: more to pay in each month, whole cents; None: not asked for, or no amount is enough.
    ruin_probability:   share of the paths in which a withdrawal could not be paid in full.
    """

    success_probability: float
    standard_error: float
    scramble_count: int
    fan: tuple[FanPoint, ...]
    extra_contribution: float | None
    ruin_probability: float
