"""Gains by holding period and the tax on them, by the rules of the United States."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from services.optimizer.rebalance.problem import ZERO, TaxProfile


def is_long_term(acquired: date, sold: date) -> bool:
    """Return whether what was acquired and sold on these days was held for more than one year.

    Counting begins on the day after the purchase and includes the day of the sale, so the first long-term day is
    the same calendar day, one year after counting began; where that is 29 February, 1 March.
    Source: IRS Publication 550, chapter 4, "Holding Period"; Rev. Rul. 66-7 for the last day of a month.
    """
    return sold >= _year_later(acquired + timedelta(days=1))


def estimated_tax(profile: TaxProfile, short_term_gain: Decimal, long_term_gain: Decimal) -> Decimal:
    """Return the tax on net gains, at least 0: a net loss of one period is set against the gain of the other.

    Source: 26 U.S.C. 1222; IRS Publication 550, chapter 4, "Reporting Capital Gains and Losses" (Schedule D).
    """
    if short_term_gain < ZERO or long_term_gain < ZERO:
        rate = profile.short_term_rate if short_term_gain > long_term_gain else profile.long_term_rate
        return max(ZERO, short_term_gain + long_term_gain) * rate
    return short_term_gain * profile.short_term_rate + long_term_gain * profile.long_term_rate


def _year_later(day: date) -> date:
    if (day.month, day.day) == (2, 29):
        return date(day.year + 1, 3, 1)
    return day.replace(year=day.year + 1)
