"""Answers that a time limit cut short are given again."""

from __future__ import annotations

from fiducia.optimizer.v1 import optimizer_service_pb2 as service

from services.optimizer.replay import Replay


def request(resamples: int) -> service.OptimizePortfolioRequest:
    return service.OptimizePortfolioRequest(resamples=resamples)


def response(time_limited: bool) -> service.OptimizePortfolioResponse:
    optimal = service.OptimalPortfolio(time_limited=time_limited, optimality_gap=0.01)
    return service.OptimizePortfolioResponse(optimal=optimal, market_snapshot="one")


def test_an_answer_cut_short_is_given_again_for_the_same_request_over_the_same_market() -> None:
    replay = Replay()

    replay.keep(request(1), response(time_limited=True))

    assert replay.find(request(1), "one") == response(time_limited=True)
    assert replay.find(request(1), "two") is None
    assert replay.find(request(2), "one") is None


def test_an_answer_that_was_not_cut_short_is_computed_again() -> None:
    replay = Replay()

    replay.keep(request(1), response(time_limited=False))

    assert replay.find(request(1), "one") is None


def test_the_oldest_answer_leaves_first() -> None:
    replay = Replay(capacity=1)

    replay.keep(request(1), response(time_limited=True))
    replay.keep(request(2), response(time_limited=True))

    assert replay.find(request(1), "one") is None
    assert replay.find(request(2), "one") is not None
