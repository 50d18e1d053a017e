"""Messages to the problems of a batch: what all share is checked once, the rest item by item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.optimizer.v1 import portfolio_pb2 as messages

from services.optimizer.answers import OptimizeJob
from services.optimizer.checks import Checks
from services.optimizer.moments import Market
from services.optimizer.parse import MAX_PRODUCTS, parse_current, parse_problem
from services.optimizer.parse_limits import parse_limits
from services.optimizer.parse_objective import parse_objective
from services.optimizer.parse_size import refuse_too_large
from services.optimizer.parse_terms import parse_universe
from services.optimizer.past_scenarios import with_past_scenarios
from services.optimizer.price_snapshot import PriceSnapshot
from services.optimizer.problem import Problem
from services.optimizer.universe import Universe
from shared.errors import FieldViolation, InvalidRequest, ServiceError

MAX_ITEMS = 10_000


@dataclass(frozen=True, eq=False)
class Batch:
    """The universe of a batch, parsed once.

    shared: the problem without limits and holdings.  prices: of the market snapshot, None where it holds none.
    """

    shared: Problem
    market: Market
    universe: Universe
    prices: PriceSnapshot | None = None

    def job(self, item: service.BatchItem) -> OptimizeJob:
        """Return the job of one client. Raises InvalidRequest with the fields of a single request."""
        refuse_too_large(item.limits, "problem.limits")
        checks = Checks()
        checks.count("problem.current_weights", len(item.current_weights), 0, MAX_PRODUCTS)
        checks.raise_any()
        objective = parse_objective(item.objective, checks, self.universe.product_ids)
        limits = parse_limits(item.limits, self.universe, checks)
        current = parse_current(item.current_weights, self.universe.known_ids, checks)
        checks.raise_any()
        problem = replace(self.shared, limits=limits, current=current)
        return OptimizeJob(with_past_scenarios(problem, objective, self.prices), self.market, objective)


def parse_batch(
    message: service.BatchOptimizePortfoliosRequest, market: Market, prices: PriceSnapshot | None = None
) -> Batch:
    """Return the batch. Raises InvalidRequest for the universe and for items that cannot be told apart.

    prices: of the same snapshot, None where it holds assumptions.
    """
    checks = Checks()
    _check_items(message.items, checks)
    shared = message.universe
    for name in sorted({"limits", "current_weights"} & {field.name for field, _ in shared.ListFields()}):
        checks.refuse(f"universe.{name}", "must stay empty in a batch; send it with each item")
    checks.raise_any()
    problem = _universe(shared, market)
    return Batch(problem, market, parse_universe(shared, market, checks), prices)


def _universe(shared: messages.PortfolioProblem, market: Market) -> Problem:
    """Return what all items share. Raises InvalidRequest under the names that the fields have in a batch."""
    checks = Checks()
    try:
        problem = parse_problem(shared, market, checks)
        checks.raise_any()
    except InvalidRequest as error:
        found = [FieldViolation(batch_field(noted.field, None), noted.description) for noted in error.violations]
        raise InvalidRequest(found) from error
    return problem


def of_item(error: ServiceError, index: int) -> ServiceError:
    """Return the error of one item with the fields of the batch in place of those of a single request."""
    if not isinstance(error, InvalidRequest):
        return error
    return InvalidRequest([FieldViolation(batch_field(v.field, index), v.description) for v in error.violations])


def batch_field(field: str, index: int | None) -> str:
    """Return where a field of a single request stands in a batch; index: of the item, None for what all share."""
    if index is not None:
        for own in ("limits", "current_weights"):
            if field.startswith(f"problem.{own}"):
                return f"items[{index}].{field.removeprefix('problem.')}"
        if field.startswith("objective"):
            return f"items[{index}].{field}"
    return f"universe.{field.removeprefix('problem.')}" if field.startswith("problem.") else field


def _check_items(items: Sequence[service.BatchItem], checks: Checks) -> None:
    checks.count("items", len(items), 1, MAX_ITEMS)
    if len(items) > MAX_ITEMS:
        checks.raise_any()
    seen: set[str] = set()
    for i, item in enumerate(items):
        checks.name(f"items[{i}].item_id", item.item_id)
        checks.unique(f"items[{i}].item_id", item.item_id, seen)
