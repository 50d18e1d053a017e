"""Requests over the shipped market, as a job and as messages, and callers that send them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import grpc
import numpy as np
from fiducia.optimizer.v1 import objective_pb2, portfolio_pb2
from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.type.v1 import weight_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.optimizer.answers import OptimizeJob
from services.optimizer.moments import Market
from services.optimizer.objective import MeanVarianceUtility
from services.optimizer.problem import Bound, Group, Limits, Problem, Product
from shared.client import connect

_PRODUCTS = 30
_MAX_WEIGHT = 0.2
_MAX_GROUP = 0.35
_MAX_TURNOVER = 0.5
_HELD = 8
_LEAST_AVERSION = 2.0
_METHOD = "/fiducia.optimizer.v1.OptimizerService/OptimizePortfolio"
_START_SECONDS = 120.0
_PATIENCE_SECONDS = 60.0


def kb_jobs(market: Market, products: int = _PRODUCTS, clients: int = 1) -> list[OptimizeJob]:
    """Return a request over the classes of the market for each client, who differ in aversion and in what they hold."""
    draw = np.random.default_rng(3)
    classes = sorted(market.asset_classes)
    terms = tuple(
        Product(f"p{i}", classes[i % len(classes)], {classes[i % len(classes)]: 1.0}, float(own), 0.001)
        for i, own in enumerate(draw.uniform(0.01, 0.1, products))
    )
    limits = Limits(
        products={product.id: Bound(maximum=_MAX_WEIGHT) for product in terms},
        groups=tuple(Group(name, Bound(maximum=_MAX_GROUP), frozenset({name})) for name in classes[:6]),
        max_turnover=_MAX_TURNOVER,
    )
    return [
        OptimizeJob(
            Problem("USD", terms, limits, {f"p{i}": 1.0 / _HELD for i in draw.permutation(products)[:_HELD]}),
            market,
            MeanVarianceUtility(_LEAST_AVERSION + client),
        )
        for client in range(clients)
    ]


def message_of(job: OptimizeJob) -> service.OptimizePortfolioRequest:
    """Return the job as a request. Raises TypeError unless it asks for the best utility."""
    if not isinstance(job.objective, MeanVarianceUtility):
        raise TypeError(f"no message for {type(job.objective).__name__}")
    problem = job.problem
    limits = portfolio_pb2.Limits(
        products=[
            portfolio_pb2.WeightBound(product_id=name, max_weight=bound.maximum)
            for name, bound in problem.limits.products.items()
        ],
        groups=[
            portfolio_pb2.GroupBound(name=group.name, asset_classes=group.asset_classes, max_weight=group.bound.maximum)
            for group in problem.limits.groups
        ],
        max_turnover=problem.limits.max_turnover,
    )
    terms = [
        portfolio_pb2.ProductTerms(
            product_id=product.id,
            asset_class=product.asset_class,
            exposures=[portfolio_pb2.Exposure(asset_class=k, loading=v) for k, v in product.exposures.items()],
            specific_volatility=product.specific_volatility,
            expense_ratio=product.expense_ratio,
        )
        for product in problem.products
    ]
    held = [weight_pb2.Weight(product_id=name, weight=weight) for name, weight in (problem.current or {}).items()]
    return service.OptimizePortfolioRequest(
        problem=portfolio_pb2.PortfolioProblem(
            base_currency="USD", products=terms, limits=limits, current_weights=held
        ),
        objective=objective_pb2.Objective(
            mean_variance_utility=objective_pb2.MeanVarianceUtility(risk_aversion=job.objective.risk_aversion)
        ),
    )


async def ask_many(channel: grpc.aio.Channel, messages: Sequence[bytes], requests: int, callers: int) -> float:
    """Return how many seconds so many callers wait for all answers, each sending when its last answer is there.

    messages: requests, encoded, which take turns.
    """
    call: Any = channel.unary_unary(_METHOD)
    numbers = iter(range(requests))

    async def ask() -> None:
        for number in numbers:
            encoded = await call(messages[number % len(messages)], timeout=_PATIENCE_SECONDS)
            response = service.OptimizePortfolioResponse.FromString(encoded)
            if response.WhichOneof("outcome") != "optimal":
                raise RuntimeError(f"request {number} was not answered with an optimum: {response}")

    started = time.monotonic()
    await asyncio.gather(*(ask() for _ in range(callers)))
    return time.monotonic() - started


async def serving(address: str) -> None:
    """Wait until the service has its data and its workers. Raises TimeoutError."""
    async with connect(address) as channel:
        await asyncio.wait_for(_serving(channel), _START_SECONDS)


async def _serving(channel: grpc.aio.Channel) -> None:
    health: Any = health_pb2_grpc.HealthStub(channel)
    async for reply in health.Watch(health_pb2.HealthCheckRequest(service="fiducia.optimizer.v1.OptimizerService")):
        if reply.status == health_pb2.HealthCheckResponse.SERVING:
            return
