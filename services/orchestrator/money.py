"""Sums of money, and how a total is divided so that the parts always add up to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

# Both currencies count in hundredths: cents and fen.
MINOR_UNIT = Decimal("0.01")
_MINOR_PER_UNIT = 100


@dataclass(frozen=True)
class Money:
    """A sum in an ISO 4217 currency; the amount counts whole units, with cents or fen behind the point."""

    currency: str
    amount: Decimal

    def rounded(self) -> Money:
        """Return the sum rounded to cents or fen, half to even."""
        return Money(self.currency, self.amount.quantize(MINOR_UNIT, ROUND_HALF_EVEN))

    def share(self, fraction: float) -> Money:
        """Return a fraction of the sum, rounded to cents or fen."""
        return Money(self.currency, self.amount * Decimal(repr(float(fraction)))).rounded()

    def split(self, weights: Sequence[float]) -> tuple[Money, ...]:
        """Return parts in proportion to the weights that sum exactly to this sum, in cents or fen.

        The sum must be one of whole cents; weights are not negative and not all zero.
        """
        minor = int(self.amount * _MINOR_PER_UNIT)
        parts = apportion(minor, weights)
        return tuple(Money(self.currency, Decimal(part) / _MINOR_PER_UNIT) for part in parts)


def apportion(total: int, weights: Sequence[float]) -> tuple[int, ...]:
    """Return whole numbers in proportion to the weights that sum exactly to `total`: largest remainders first.

    Ties go to the earlier weight, so that equal inputs always give equal parts.
    Source: Hamilton's method; exact fractions, because floats would lose a cent in large sums.
    """
    exact = [Fraction(weight) for weight in weights]
    scale = sum(exact)
    quotas = [total * weight / scale for weight in exact]
    parts = [quota.numerator // quota.denominator for quota in quotas]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - quotas[i], i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return tuple(parts)
