from __future__ import annotations

import numpy as np
import pytest

from services.optimizer.faults import FaultKind, PriceFault, examined
from services.optimizer.history import Matrix, PricePanel
from services.optimizer.prices_read import read_prices
from tests.unit.optimizer.price_tables import FUNDS, walk_prices, weekdays, wide_csv

DAYS = weekdays(300)
NAMES = ("A", "B", "C")


def _examined(prices: Matrix, days: np.ndarray = DAYS) -> tuple[PricePanel, list[PriceFault]]:
    panel, faults = examined(read_prices(wide_csv(days, NAMES, prices)))
    return panel, list(faults)


def _prices() -> Matrix:
    return walk_prices(300, 3)


def test_clean_prices_have_no_faults_and_are_kept_as_they_are() -> None:
    panel, faults = _examined(_prices())

    assert faults == []
    np.testing.assert_array_equal(panel.prices, _prices())


def test_an_unadjusted_split_is_found_on_its_day() -> None:
    prices = _prices()
    prices[120:, 1] /= 3.0

    panel, (fault,) = _examined(prices)

    assert (fault.product_id, fault.kind, fault.count, fault.left_out) == ("B", FaultKind.UNADJUSTED_SPLIT, 1, True)
    assert fault.day == DAYS[120].item()
    assert panel.product_ids == ("A", "C")


@pytest.mark.parametrize("factor", [1.2, 1.25, 4 / 3, 1.5, 2.0, 10.0, 0.5, 0.75, 0.8, 1 / 1.2, 0.1])
def test_splits_and_reverse_splits_of_the_usual_ratios_are_found(factor: float) -> None:
    prices = _prices()
    prices[200:, 0] /= factor

    _, (fault,) = _examined(prices)

    assert fault.kind is FaultKind.UNADJUSTED_SPLIT


@pytest.mark.parametrize("factor", [0.75, 0.8, 0.85, 1.2, 1.3])
def test_a_crash_or_a_leap_among_wild_days_is_no_split(factor: float) -> None:
    prices = _prices()
    wild = np.random.default_rng(2).normal(0.0, 0.05, 30)
    wild[15] = np.log(factor)
    prices[190:220, 0] *= np.exp(np.cumsum(wild))
    prices[220:, 0] *= np.exp(wild.sum())

    assert _examined(prices)[1] == []


def test_a_jump_on_the_first_day_is_judged_by_the_days_after_it() -> None:
    prices = _prices()
    prices[1:, 0] /= 1.25

    _, (fault,) = _examined(prices)

    assert (fault.kind, fault.day) == (FaultKind.UNADJUSTED_SPLIT, DAYS[1].item())


def test_a_hole_is_reported_and_the_day_falls_out_for_all_products() -> None:
    prices = _prices()
    prices[[50, 70], 2] = np.nan

    panel, (fault,) = _examined(prices)

    assert (fault.kind, fault.count, fault.left_out, fault.day) == (FaultKind.MISSING, 2, False, DAYS[50].item())
    assert np.isnan(panel.prices[50, 2])
    assert len(panel.history()) == 298
    assert len(panel.history().daily_returns()) == 295
    assert len(panel.history(["A", "B"])) == 300


def test_too_many_holes_leave_the_series_out() -> None:
    prices = _prices()
    prices[50:60, 2] = np.nan

    panel, (fault,) = _examined(prices)

    assert (fault.kind, fault.left_out, panel.product_ids) == (FaultKind.MISSING, True, ("A", "B"))


def test_a_later_begin_is_reported_and_kept() -> None:
    prices = _prices()
    prices[:100, 1] = np.nan
    prices[290:, 1] = np.nan

    panel, (fault,) = _examined(prices)

    assert (fault.kind, fault.count, fault.left_out) == (FaultKind.UNEQUAL_HISTORY, 110, False)
    assert len(panel.history()) == 190


def test_a_history_too_short_to_estimate_from_is_left_out() -> None:
    prices = _prices()
    prices[:260, 1] = np.nan

    _, (fault,) = _examined(prices)

    assert (fault.kind, fault.left_out) == (FaultKind.UNEQUAL_HISTORY, True)


@pytest.mark.parametrize(("days", "kinds", "left_out"), [(9, [], None), (12, ["STALE"], False), (25, ["STALE"], True)])
def test_the_same_price_for_long_is_stale(days: int, kinds: list[str], left_out: bool | None) -> None:
    prices = _prices()
    prices[101 : 101 + days, 0] = prices[100, 0]

    _, faults = _examined(prices)

    assert [fault.kind.value for fault in faults] == kinds
    assert all((fault.left_out, fault.count) == (left_out, days) for fault in faults)


@pytest.mark.parametrize(("second", "left_out"), [(1.0, False), (1.01, True)])
def test_a_date_twice_is_harmless_only_with_the_same_prices(second: float, left_out: bool) -> None:
    days = np.insert(DAYS, 11, DAYS[10])
    prices = np.insert(_prices(), 11, _prices()[10], axis=0)
    prices[11, 1] *= second

    panel, faults = _examined(prices, days)

    assert [fault.kind for fault in faults] == [FaultKind.DUPLICATE_DATE] * 3
    assert [fault.left_out for fault in faults] == [False, left_out, False]
    assert len(panel.days) == 300


@pytest.mark.parametrize("wrong", ["0", "-3.5", "inf", "abc", "1e999"])
def test_a_price_that_is_no_number_above_zero_leaves_the_series_out(wrong: str) -> None:
    lines = wide_csv(DAYS, NAMES, _prices()).split(b"\n")
    cells = lines[21].split(b",")
    lines[21] = b",".join([cells[0], wrong.encode(), *cells[2:]])

    panel, faults = examined(read_prices(b"\n".join(lines)))

    first = faults[0]
    assert (first.product_id, first.kind, first.day) == ("A", FaultKind.NOT_POSITIVE, DAYS[20].item())
    assert panel.product_ids == ("B", "C")


def test_several_faults_of_one_series_are_all_reported() -> None:
    prices = _prices()
    prices[:3, 0] = np.nan
    prices[30, 0] = np.nan
    prices[150:, 0] *= 2.0

    _, faults = _examined(prices)

    assert {fault.kind for fault in faults} == {
        FaultKind.UNEQUAL_HISTORY,
        FaultKind.MISSING,
        FaultKind.UNADJUSTED_SPLIT,
    }


def test_real_funds_are_usable_and_only_their_later_begins_and_a_still_spell_of_bills_are_reported() -> None:
    path = FUNDS / "us_etf_adjclose_daily.csv"
    if not path.is_file():
        pytest.skip("the real price data is not on this machine")

    panel, faults = examined(read_prices(path.read_bytes()))

    assert len(panel.product_ids) == 21
    assert not any(fault.left_out for fault in faults)
    assert {fault.kind for fault in faults} == {FaultKind.UNEQUAL_HISTORY, FaultKind.STALE}
    assert [fault.product_id for fault in faults if fault.kind is FaultKind.STALE] == ["BIL"]


@pytest.mark.parametrize("table", ["us_etf_adjclose_daily.csv", "cn_etf_tr_daily.csv"])
def test_no_crash_of_a_real_fund_is_taken_for_a_split(table: str) -> None:
    if not (FUNDS / table).is_file():
        pytest.skip("the real price data is not on this machine")

    _, faults = examined(read_prices((FUNDS / table).read_bytes()))

    assert not [fault for fault in faults if fault.kind is FaultKind.UNADJUSTED_SPLIT]
