"""Results of a batch to messages."""

from __future__ import annotations

from fiducia.optimizer.v1 import optimizer_service_pb2 as service

from services.optimizer.answers import Infeasible, Portfolio
from services.optimizer.problem import Problem
from services.optimizer.wire import infeasibility_message, optimal_portfolio
from shared.errors import ServiceError


def item_response(
    item_id: str, problem: Problem, answer: Portfolio | Infeasible
) -> service.BatchOptimizePortfoliosResponse:
    """Return the result of one client."""
    if isinstance(answer, Infeasible):
        return service.BatchOptimizePortfoliosResponse(item_id=item_id, infeasibility=infeasibility_message(answer))
    return service.BatchOptimizePortfoliosResponse(item_id=item_id, optimal=optimal_portfolio(problem, answer))


def error_response(item_id: str, error: ServiceError) -> service.BatchOptimizePortfoliosResponse:
    """Return why one client has no portfolio."""
    outcome = service.BatchError(reason=error.reason, message=error.message)
    return service.BatchOptimizePortfoliosResponse(item_id=item_id, error=outcome)
