from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from fiducia.optimizer.v1 import objective_pb2
from fiducia.optimizer.v1 import portfolio_pb2 as messages
from fiducia.type.v1 import weight_pb2

from services.optimizer.checks import Checks
from services.optimizer.objective import MeanVarianceUtility, MinimumVariance
from services.optimizer.parse import parse_point_count, parse_problem
from services.optimizer.parse_objective import parse_objective
from services.optimizer.problem import Bound, Group, Limits, Problem, Product
from shared.errors import InvalidRequest
from tests.unit.optimizer.builders import dense_market

MARKET = dense_market([0.05, 0.06], [[0.04, 0.0], [0.0, 0.01]])
NAN, INFINITY = math.nan, math.inf
Message = messages.PortfolioProblem


def _message() -> Message:
    return Message(
        base_currency="USD",
        products=[
            messages.ProductTerms(
                product_id=f"p{i}",
                asset_class=f"a{i}",
                exposures=[messages.Exposure(asset_class=f"a{i}", loading=1.0)],
                specific_volatility=0.01,
                expense_ratio=0.001,
            )
            for i in range(2)
        ],
        limits=messages.Limits(
            products=[messages.WeightBound(product_id="p0", min_weight=0.1, max_weight=0.5)],
            groups=[messages.GroupBound(name="g", asset_classes=["a0"], product_ids=["p1"], max_weight=0.9)],
            max_turnover=0.5,
            max_volatility=0.2,
        ),
        current_weights=[weight_pb2.Weight(product_id="p0", weight=0.6)],
    )


def _read(message: Message, checks: Checks) -> None:
    parse_problem(message, MARKET, checks)
    checks.raise_any()


def _refused(message: Message) -> list[str]:
    checks = Checks()
    with pytest.raises(InvalidRequest) as refusal:
        _read(message, checks)
    return [violation.field for violation in refusal.value.violations]


def test_a_message_becomes_the_problem_it_describes() -> None:
    checks = Checks()

    problem = parse_problem(_message(), MARKET, checks)

    checks.raise_any()
    assert problem == Problem(
        base_currency="USD",
        products=tuple(Product(f"p{i}", f"a{i}", {f"a{i}": 1.0}, 0.01, 0.001, currency="USD") for i in range(2)),
        limits=Limits(
            {"p0": Bound(0.1, 0.5)}, (Group("g", Bound(None, 0.9), frozenset(["a0"]), frozenset(["p1"])),), 0.5, 0.2
        ),
        current={"p0": 0.6},
    )


def test_a_trading_cost_is_no_part_of_the_problem() -> None:
    dear = _message()
    dear.products[0].trading_cost = 0.05

    problem = parse_problem(dear, MARKET, Checks())

    assert problem == parse_problem(_message(), MARKET, Checks())


def test_what_is_left_out_is_free() -> None:
    message = _message()
    message.ClearField("limits")
    message.ClearField("current_weights")
    checks = Checks()

    problem = parse_problem(message, MARKET, checks)

    checks.raise_any()
    assert problem.limits == Limits()
    assert problem.current is None


def _set(path: str, value: object) -> Callable[[Message], None]:
    """Return a change of the field at this path, such as "products[0].specific_volatility"."""

    def change(message: Message) -> None:
        *parents, last = path.replace("[", ".").replace("]", "").split(".")
        target: object = message
        for step in parents:
            target = target[int(step)] if step.isdigit() else getattr(target, step)  # type: ignore[index]
        setattr(target, last, value)

    return change


def _refused_numbers(path: str, *values: float) -> list[tuple[str, Callable[[Message], None]]]:
    return [(path, _set(path, value)) for value in (NAN, INFINITY, -INFINITY, *values)]


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("base_currency", _set("base_currency", "")),
        ("base_currency", _set("base_currency", "EUR")),
        ("products", lambda m: m.ClearField("products")),
        ("products", lambda m: m.products.extend([m.products[0]] * 1000)),
        ("products[1].product_id", _set("products[1].product_id", "")),
        ("products[1].product_id", _set("products[1].product_id", "p0")),
        ("products[1].product_id", _set("products[1].product_id", "p[1]")),
        ("products[1].product_id", _set("products[1].product_id", "x" * 101)),
        ("products[1].asset_class", _set("products[1].asset_class", "moon_rock")),
        ("products[1].asset_class", _set("products[1].asset_class", "usd_cny")),
        ("products[1].exposures", lambda m: m.products[1].ClearField("exposures")),
        ("products[1].exposures[0].asset_class", _set("products[1].exposures[0].asset_class", "moon_rock")),
        ("products[1].exposures[1].asset_class", lambda m: m.products[1].exposures.append(m.products[1].exposures[0])),
        *_refused_numbers("products[1].exposures[0].loading", 11.0, -11.0),
        *_refused_numbers("products[1].specific_volatility", -0.01, 6.0),
        *_refused_numbers("products[1].expense_ratio", -0.01, 0.21),
        ("products[1].expense_ratio", lambda m: m.products[1].ClearField("expense_ratio")),
        ("limits.products[0].product_id", _set("limits.products[0].product_id", "p9")),
        ("limits.products[1].product_id", lambda m: m.limits.products.append(m.limits.products[0])),
        *_refused_numbers("limits.products[0].min_weight", -0.1, 1.1),
        *_refused_numbers("limits.products[0].max_weight", -0.1, 1.1),
        ("limits.groups[0].name", _set("limits.groups[0].name", "")),
        ("limits.groups[1].name", lambda m: m.limits.groups.append(m.limits.groups[0])),
        ("limits.groups[0]", lambda m: [m.limits.groups[0].ClearField(f) for f in ("asset_classes", "product_ids")]),
        ("limits.groups[0].asset_classes[0]", lambda m: m.limits.groups[0].asset_classes.__setitem__(0, "moon_rock")),
        ("limits.groups[0].product_ids[0]", lambda m: m.limits.groups[0].product_ids.__setitem__(0, "p9")),
        *_refused_numbers("limits.groups[0].min_weight", -0.1, 1.1),
        *_refused_numbers("limits.groups[0].max_weight", -0.1, 1.1),
        ("limits.groups", lambda m: m.limits.groups.extend(messages.GroupBound(name=f"n{i}") for i in range(200))),
        *_refused_numbers("limits.max_turnover", -0.1, 1.1),
        *_refused_numbers("limits.max_volatility", -0.1, 0.0, 6.0),
        ("current_weights[0].product_id", _set("current_weights[0].product_id", "p9")),
        ("current_weights[1].product_id", lambda m: m.current_weights.append(m.current_weights[0])),
        *_refused_numbers("current_weights[0].weight", -0.1, 1.1),
        ("current_weights", lambda m: m.current_weights.add(product_id="p1", weight=0.6)),
    ],
)
def test_each_wrong_field_is_named_by_its_path(path: str, change: Callable[[Message], None]) -> None:
    message = _message()

    change(message)

    assert f"problem.{path}" in _refused(message)


def test_all_wrong_fields_are_reported_together() -> None:
    message = _message()
    message.base_currency = "EUR"
    message.products[0].specific_volatility = NAN
    message.limits.max_turnover = -1.0

    assert _refused(message) == [
        "problem.base_currency",
        "problem.products[0].specific_volatility",
        "problem.limits.max_turnover",
    ]


def test_weights_that_exceed_one_by_rounding_are_accepted() -> None:
    message = _message()
    message.current_weights[0].weight = 1.0 + 1e-9
    checks = Checks()

    parse_problem(message, MARKET, checks)

    checks.raise_any()


def test_an_empty_message_is_refused_and_not_a_crash() -> None:
    assert {"problem.base_currency", "problem.products"} <= set(_refused(Message()))


@pytest.mark.parametrize("aversion", [NAN, INFINITY, 0.0, -1.0, 1000.1])
def test_a_risk_aversion_out_of_range_is_refused(aversion: float) -> None:
    checks = Checks()
    message = objective_pb2.Objective(mean_variance_utility=objective_pb2.MeanVarianceUtility(risk_aversion=aversion))

    parse_objective(message, checks)

    with pytest.raises(InvalidRequest, match=r"objective\.mean_variance_utility\.risk_aversion"):
        checks.raise_any()


def test_an_objective_is_required() -> None:
    checks = Checks()

    parse_objective(objective_pb2.Objective(), checks)

    with pytest.raises(InvalidRequest, match=r"objective\.goal: missing"):
        checks.raise_any()


def test_objectives_are_read() -> None:
    checks = Checks()
    utility = objective_pb2.Objective(mean_variance_utility=objective_pb2.MeanVarianceUtility(risk_aversion=3.0))

    assert parse_objective(utility, checks) == MeanVarianceUtility(3.0)
    assert (
        parse_objective(objective_pb2.Objective(minimum_variance=objective_pb2.MinimumVariance()), checks)
        == MinimumVariance()
    )
    checks.raise_any()


@pytest.mark.parametrize(("count", "read"), [(0, 20), (2, 2), (100, 100)])
def test_zero_points_mean_twenty(count: int, read: int) -> None:
    checks = Checks()

    assert parse_point_count(count, checks) == read
    checks.raise_any()


@pytest.mark.parametrize("count", [-1, 1, 101])
def test_a_number_of_points_out_of_range_is_refused(count: int) -> None:
    checks = Checks()

    parse_point_count(count, checks)

    with pytest.raises(InvalidRequest, match="point_count"):
        checks.raise_any()
