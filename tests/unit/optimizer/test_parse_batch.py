from __future__ import annotations

import pytest
from fiducia.optimizer.v1 import objective_pb2
from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.optimizer.v1 import portfolio_pb2 as messages
from fiducia.type.v1 import weight_pb2

from services.optimizer.objective import MinimumVariance
from services.optimizer.parse_batch import MAX_ITEMS, batch_field, of_item, parse_batch
from shared.errors import InvalidRequest, SolutionRefused
from tests.unit.optimizer.builders import dense_market

MARKET = dense_market([0.05, 0.06], [[0.04, 0.0], [0.0, 0.01]])
LEAST = objective_pb2.Objective(minimum_variance=objective_pb2.MinimumVariance())


def _item(name: str, **fields: object) -> service.BatchItem:
    return service.BatchItem(item_id=name, objective=LEAST, **fields)  # type: ignore[arg-type]


def _batch(*items: service.BatchItem) -> service.BatchOptimizePortfoliosRequest:
    products = [
        messages.ProductTerms(
            product_id=f"p{i}",
            asset_class=f"a{i}",
            exposures=[messages.Exposure(asset_class=f"a{i}", loading=1.0)],
            expense_ratio=0.001,
        )
        for i in range(2)
    ]
    universe = messages.PortfolioProblem(base_currency="USD", products=products)
    return service.BatchOptimizePortfoliosRequest(universe=universe, items=items)


def _refused(request: service.BatchOptimizePortfoliosRequest) -> list[str]:
    with pytest.raises(InvalidRequest) as refusal:
        parse_batch(request, MARKET)
    return [violation.field for violation in refusal.value.violations]


def test_an_item_becomes_the_job_of_one_client_over_the_shared_products() -> None:
    held = [weight_pb2.Weight(product_id="p1", weight=0.4)]
    item = _item("a", limits=messages.Limits(max_volatility=0.1), current_weights=held)

    batch = parse_batch(_batch(item), MARKET)
    job = batch.job(item)

    assert job.objective == MinimumVariance()
    assert (job.problem.limits.max_volatility, job.problem.current) == (0.1, {"p1": 0.4})
    assert job.problem.products is batch.shared.products
    assert (batch.shared.limits.max_volatility, batch.shared.current) == (None, None)


def test_every_fault_of_the_shared_part_is_named_where_it_stands_in_the_batch() -> None:
    request = _batch(_item("a"))
    request.universe.products[1].ClearField("expense_ratio")
    request.universe.base_currency = "XXX"

    assert _refused(request) == ["universe.base_currency", "universe.products[1].expense_ratio"]


def test_limits_and_holdings_belong_to_the_items() -> None:
    request = _batch(_item("a"))
    request.universe.limits.max_volatility = 0.1
    request.universe.current_weights.add(product_id="p0", weight=1.0)

    assert _refused(request) == ["universe.current_weights", "universe.limits"]


def test_items_that_cannot_be_told_apart_are_refused() -> None:
    assert _refused(_batch(_item("a"), _item("b"), _item("a"), _item(""))) == ["items[2].item_id", "items[3].item_id"]


@pytest.mark.parametrize("count", [0, MAX_ITEMS + 1])
def test_a_batch_has_one_to_ten_thousand_items(count: int) -> None:
    assert _refused(_batch(*(_item(f"i{i}") for i in range(count)))) == ["items"]


def test_ten_thousand_items_are_taken() -> None:
    items = [_item(f"i{i}") for i in range(MAX_ITEMS)]

    assert parse_batch(_batch(*items), MARKET).job(items[-1]).problem.current is None


def test_faults_of_an_item_are_named_under_the_item() -> None:
    limits = messages.Limits(max_volatility=-1.0, groups=[messages.GroupBound(name="g")], max_risk_level_score=3.0)
    item = service.BatchItem(
        item_id="a", limits=limits, current_weights=[weight_pb2.Weight(product_id="nothing", weight=0.1)]
    )
    batch = parse_batch(_batch(item), MARKET)

    with pytest.raises(InvalidRequest) as refusal:
        batch.job(item)
    error = of_item(refusal.value, 3)

    assert isinstance(error, InvalidRequest)
    assert {violation.field for violation in error.violations} == {
        "items[3].objective.goal",
        "items[3].limits.max_volatility",
        "items[3].limits.groups[0]",
        "items[3].current_weights[0].product_id",
        # What a limit needs of a product is missing in the part that all share.
        "universe.products[0].risk_level",
        "universe.products[1].risk_level",
    }
    assert error.message.startswith("items[3].objective.goal: missing")


def test_an_error_without_fields_stays_what_it_is() -> None:
    error = SolutionRefused("no")

    assert of_item(error, 0) is error
    assert batch_field("resamples", 0) == "resamples"
