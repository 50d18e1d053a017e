from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from services.optimizer.problem import Product
from services.optimizer.stress import (
    STRESS_FILE,
    StressScenario,
    applied,
    read_scenarios,
    stored_scenarios,
    unknown_classes,
    write_scenarios,
)
from shared.problems import KnowledgeBaseError
from shared.snapshots import SnapshotRefused
from tests.unit.optimizer.builders import KB, kb_assumptions, kb_products
from tests.unit.optimizer.price_tables import FUNDS

SHIPPED = read_scenarios(KB)
ORIGIN = {"source": "general-knowledge", "verified": False}


def _scenario() -> StressScenario:
    return StressScenario.model_validate(
        {
            "id": "made-up",
            "description": {"en": "Made up."},
            "kind": "ASSUMED",
            "usd_cny": {"value": 0.1, **ORIGIN},
            "shocks": {
                "USD": {"us_cash": {"value": 0.01, **ORIGIN}, "us_large_equity": {"value": -0.4, **ORIGIN}},
                "CNY": {"cn_cash": {"value": 0.02, **ORIGIN}, "cn_large_equity": {"value": -0.5, **ORIGIN}},
            },
        }
    )


def _product(exposures: dict[str, float], hedged: bool = False, name: str = "P") -> Product:
    return Product(name, "us_large_equity", exposures, 0.0, 0.0, hedged)


def test_a_loss_is_the_weighted_sum_of_shocks_and_its_parts_sum_to_it() -> None:
    items = [_product({"us_large_equity": 1.0}), _product({"us_cash": 1.0}, name="Q")]

    result = applied(_scenario(), items, np.array([0.6, 0.4]), "USD")

    assert result.loss == pytest.approx(0.6 * 0.4 - 0.4 * 0.01)
    assert result.contributions == pytest.approx([0.24, -0.004])


def test_what_exposures_lack_to_one_earns_the_cash_of_the_client() -> None:
    result = applied(_scenario(), [_product({"us_large_equity": 0.5})], np.array([1.0]), "USD")

    assert result.loss == pytest.approx(0.5 * 0.4 - 0.5 * 0.01)


@pytest.mark.parametrize(
    ("base", "name", "gain"),
    [
        ("CNY", "us_large_equity", 0.6 * 1.1 - 1.0),
        ("USD", "cn_large_equity", 0.5 / 1.1 - 1.0),
        ("CNY", "cn_large_equity", -0.5),
    ],
)
def test_a_class_abroad_moves_with_its_currency_unless_hedged(base: str, name: str, gain: float) -> None:
    plain, hedged = (applied(_scenario(), [_product({name: 1.0}, h)], np.array([1.0]), base) for h in (False, True))

    assert plain.loss == pytest.approx(-gain)
    assert hedged.loss == pytest.approx(0.4 if name.startswith("us") else 0.5)


def test_a_class_without_a_shock_is_named_only_where_it_is_held() -> None:
    items = [_product({"gold": 1.0}), _product({"us_cash": 1.0}, name="Q")]

    assert unknown_classes(_scenario(), items, np.array([0.5, 0.5])) == [(0, "gold")]
    assert unknown_classes(_scenario(), items, np.array([0.0, 1.0])) == []


def _rise(**changed: object) -> StressScenario:
    still = {"value": 0.0, **ORIGIN}
    content = {**_scenario().model_dump(), "usd_cny": still, "yield_change": {"value": 0.02, **ORIGIN}}
    return StressScenario.model_validate({**content, **changed})


def test_where_yields_move_a_duration_takes_the_place_of_the_shock_of_the_class() -> None:
    bond = _product({"us_large_equity": 0.9})
    items = [replace(bond, duration_years=8.0), bond]

    result = applied(_rise(), items, np.array([0.5, 0.5]), "USD")

    assert result.contributions == pytest.approx([0.5 * 8.0 * 0.02, 0.5 * (0.9 * 0.4 - 0.1 * 0.01)])


def test_a_duration_of_zero_is_one_and_a_negative_one_gains() -> None:
    items = [replace(_product({}), duration_years=years) for years in (0.0, -3.0)]

    result = applied(_rise(), items, np.array([0.5, 0.5]), "USD")

    assert result.contributions == pytest.approx([0.0, -0.03])


def test_no_duration_loses_more_than_everything() -> None:
    assert applied(_rise(), [replace(_product({}), duration_years=80.0)], np.array([1.0]), "USD").loss == 1.0


def test_a_duration_does_not_count_where_a_scenario_says_nothing_of_yields() -> None:
    assert applied(_scenario(), [replace(_product({}), duration_years=8.0)], np.array([1.0]), "USD").loss == 0.4


def test_a_product_with_a_duration_needs_no_shock_of_its_class_where_yields_move() -> None:
    items = [replace(_product({"gold": 1.0}), duration_years=1.0)]

    assert unknown_classes(_rise(), items, np.array([1.0])) == []
    assert unknown_classes(_scenario(), items, np.array([1.0])) == [(0, "gold")]


def test_a_scenario_of_yields_that_moves_a_currency_too_is_refused() -> None:
    with pytest.raises(ValueError, match="currencies stand still"):
        _rise(usd_cny={"value": 0.1, **ORIGIN})


def test_two_hundred_basis_points_cost_a_fund_twice_its_duration() -> None:
    rise = next(scenario for scenario in SHIPPED if scenario.id == "rates-plus-200bp")
    bond = Product("P", "us_aggregate_bond", {"us_aggregate_bond": 1.0}, 0.0, 0.0, duration_years=2.7)

    assert applied(rise, [bond], np.array([1.0]), "USD").loss == pytest.approx(0.054)


def test_a_product_without_exposures_counts_as_its_class() -> None:
    assert applied(_scenario(), [_product({})], np.array([1.0]), "USD").loss == pytest.approx(0.4)


@pytest.mark.parametrize("scenario", SHIPPED, ids=lambda scenario: scenario.id)
def test_each_shipped_scenario_shocks_every_class_in_its_own_currency_with_a_known_source(
    scenario: StressScenario,
) -> None:
    assumptions = kb_assumptions()
    sources = yaml.safe_load((KB / "sources.yaml").read_text(encoding="utf-8"))

    for name, entry in assumptions.classes.items():
        assert scenario.shocks[entry.currency][name].source in sources
    assert scenario.description.zh


def test_the_five_scenarios_of_the_contract_ship() -> None:
    names = {scenario.id for scenario in SHIPPED}

    assert names == {"global-2008", "china-a-shares-2015", "pandemic-2020", "rates-2022", "rates-plus-200bp"}


def test_every_product_of_the_knowledge_base_can_be_stressed() -> None:
    items = kb_products()
    weights = np.full(len(items), 1.0 / len(items))

    losses = {each.id: applied(each, items, weights, "USD").loss for each in SHIPPED}

    assert max(losses, key=losses.__getitem__) == "global-2008"
    assert 0.0 < min(losses.values()) <= max(losses.values()) < 0.6


def test_a_measured_shock_is_what_the_fund_did_over_the_window() -> None:
    path = FUNDS / "us_etf_adjclose_daily.csv"
    if not path.is_file():
        pytest.skip("the real price data is not on this machine")
    rows = {line.split(",")[0]: line.split(",") for line in path.read_text().splitlines()}
    column = rows["date"].index("SPY")
    crisis = next(scenario for scenario in SHIPPED if scenario.id == "global-2008")

    fell = float(rows["2009-03-09"][column]) / float(rows["2007-10-09"][column]) - 1.0

    assert crisis.shocks["USD"]["us_large_equity"].value == pytest.approx(fell, abs=5e-4)


def test_scenarios_survive_the_way_over_disk(tmp_path: Path) -> None:
    write_scenarios(tmp_path, SHIPPED)

    assert tuple(stored_scenarios(tmp_path).values()) == SHIPPED


def test_without_the_file_there_are_none_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    assert stored_scenarios(tmp_path) == {}

    (tmp_path / STRESS_FILE).write_text("[{}]")

    with pytest.raises(SnapshotRefused, match="cannot be used"):
        stored_scenarios(tmp_path)


def test_a_file_must_carry_its_scenarios_name(tmp_path: Path) -> None:
    (tmp_path / "stress").mkdir()
    (tmp_path / "stress" / "other.yaml").write_text((KB / "stress" / "global-2008.yaml").read_text(encoding="utf-8"))

    with pytest.raises(KnowledgeBaseError, match="expected the file's name"):
        read_scenarios(tmp_path)
