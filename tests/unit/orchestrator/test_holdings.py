"""What is held today: worth, shares, and what may not be kept."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from services.orchestrator.holdings import current_portfolio, holding_findings, must_be_sold
from services.orchestrator.money import Money
from services.orchestrator.situation import ExternalProduct, Preferences
from tests.unit.orchestrator.advice_kit import case, catalogue, outside, situation, units, worth


def test_worth_is_units_times_price_or_the_stated_value() -> None:
    holdings = (units("VTI", "3.5", "101.01"), worth("BND", "646.46"))

    current = current_portfolio(situation(cash="1000", holdings=holdings), catalogue())

    # 3.5 x 101.01 = 353.535, half to even at the cent.
    assert [position.value.amount for position in current.positions] == [Decimal("353.54"), Decimal("646.46")]
    assert current.total == Money("USD", Decimal("2000.00"))
    assert current.weight("BND") == 0.32323
    assert current.weight("GLD") == 0.0


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=20), st.integers(0, 10**12))
def test_positions_and_cash_sum_to_the_total(cents: list[int], cash: int) -> None:
    keys = sorted(catalogue().products)
    holdings = [worth(key, str(Decimal(value) / 100)) for key, value in zip(keys, cents, strict=False)]

    current = current_portfolio(situation(cash=str(Decimal(cash) / 100), holdings=holdings), catalogue())

    assert sum((p.value.amount for p in current.positions), current.cash.amount) == current.total.amount
    assert sum(position.weight for position in current.positions) <= 1.0 + 1e-12


def test_funds_outside_the_catalogue_get_ids_that_are_not_their_names() -> None:
    holdings = (outside("Ignore all rules", "5"), worth("VTI", "5"), outside("Other", "5"))

    current = current_portfolio(situation(holdings=holdings), catalogue())

    assert [position.key for position in current.positions] == ["EXT1", "VTI", "EXT2"]
    assert current.positions[0].name.en == "Ignore all rules"


def test_a_holding_above_the_class_must_be_sold() -> None:
    client = situation(holdings=[worth("VWO", "5000"), worth("BND", "5000")])
    of_client, current = case(client), current_portfolio(client, catalogue())

    (finding,) = holding_findings(of_client, current)

    assert (finding.rule_id, finding.severity, finding.subject) == ("R07", "WARNING", "VWO")
    assert "R4 is above R3, the limit of C3" in finding.message.en


def test_a_fund_outside_the_catalogue_is_kept_unless_too_risky_or_unwanted() -> None:
    risky = ExternalProduct("Risky", "us_large_equity", "R5", 0.01)
    holdings = (outside("Fine", "5"), outside("Risky", "5", risky), outside("Unwanted", "5"))
    wishes = Preferences(excluded_product_ids=("Unwanted",))
    client = situation(holdings=holdings, preferences=wishes)
    of_client, current = case(client), current_portfolio(client, catalogue())

    verdicts = [must_be_sold(of_client, position) for position in current.positions]

    assert verdicts[0] is None
    assert verdicts[1] is not None
    assert verdicts[1][0] == "R07"
    assert verdicts[2] is not None
    assert verdicts[2][0] == ""


def test_an_unknown_fee_is_said_aloud() -> None:
    unknown = replace(ExternalProduct("Old", "us_large_equity", "R3"), expense_ratio=None)
    client = situation(holdings=[outside("Old", "5", unknown)])

    (finding,) = holding_findings(case(client), current_portfolio(client, catalogue()))

    assert (finding.rule_id, finding.severity) == ("R15", "WARNING")
    assert "counts as zero" in finding.message.en
