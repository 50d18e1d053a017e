"""OptimizePortfolio as it crosses to a worker: what its caller wrote, read, solved and answered there."""

from __future__ import annotations

from fiducia.optimizer.v1 import optimizer_service_pb2 as service

from services.optimizer.answers import OptimizeCall, OptimizeJob, OptimizeReply
from services.optimizer.checks import Checks
from services.optimizer.engine import optimize
from services.optimizer.market import MarketStore
from services.optimizer.parse import parse_problem
from services.optimizer.parse_objective import parse_objective
from services.optimizer.past_scenarios import with_past_scenarios
from services.optimizer.solve import Solver
from services.optimizer.wire import optimize_response

MAX_RESAMPLES = 200


def answer_call(call: OptimizeCall, store: MarketStore, solver: Solver) -> OptimizeReply:
    """Return the response. Raises InvalidRequest, NotFound, SolutionRefused, UnsupportedCombination."""
    job = _job(service.OptimizePortfolioRequest.FromString(call.request), call, store)
    response = optimize_response(job.problem, optimize(job, solver), job.market.snapshot)
    return OptimizeReply(response.SerializeToString())


def _job(request: service.OptimizePortfolioRequest, call: OptimizeCall, store: MarketStore) -> OptimizeJob:
    market, checks = store.market(call.snapshot), Checks()
    problem = parse_problem(request.problem, market, checks)
    objective = parse_objective(request.objective, checks, [product.id for product in problem.products])
    checks.number("resamples", request.resamples, 0, MAX_RESAMPLES)
    checks.raise_any()
    problem = with_past_scenarios(problem, objective, store.prices(call.snapshot))
    return OptimizeJob(problem, market, objective, request.resamples, request.with_limit_costs, call.deadline)
