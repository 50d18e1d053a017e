"""The stages of a proposal, with hand-written services behind it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.orchestrator.pipeline import Order, draft_proposal
from services.orchestrator.portfolio import Infeasibility
from services.orchestrator.recommendation import Recommendation
from services.orchestrator.situation import Preferences, RequiredProduct
from services.orchestrator.steps import (
    Blocked,
    Conclusion,
    FactsRecorded,
    Failure,
    FindingsRecorded,
    StageStarted,
    Step,
)
from services.orchestrator.suitability.finding import Finding
from services.orchestrator.wire_situation import parse_situation
from services.orchestrator.writing import Segment
from shared.errors import NotFound
from tests.fakes import AS_OF, INDEX, MARKET, MODEL, POISON, PROMPTS, FakeAdvice, Fakes, MovingOptimizer, written
from tests.integration.orchestrator.kit import shipped_catalogue, situation


def order(temper: str = "balanced", **preferences: object) -> Order:
    parsed, violations = parse_situation(situation(temper), shipped_catalogue(), "situation")
    assert violations == []
    return Order(replace(parsed, preferences=Preferences(**preferences)), shipped_catalogue())  # type: ignore[arg-type]


async def drafted(fakes: Fakes, asked: Order) -> tuple[Conclusion, list[Step]]:
    steps: list[Step] = []

    async def record(step: Step) -> None:
        steps.append(step)

    return await draft_proposal("p-1", asked, fakes.upstream, record), steps


def stages_of(steps: list[Step]) -> list[str]:
    return [step.stage for step in steps if isinstance(step, StageStarted)]


def findings_of(steps: list[Step]) -> list[Finding]:
    return [finding for step in steps if isinstance(step, FindingsRecorded) for finding in step.findings]


async def test_a_proposal_passes_every_stage_and_names_what_it_was_made_from() -> None:
    conclusion, steps = await drafted(Fakes(), order())

    versions = conclusion.versions
    assert isinstance(conclusion.outcome, Recommendation)
    assert stages_of(steps) == ["PROFILE", "UNIVERSE", "ALLOCATION", "ADVICE", "CHECK"]
    assert (versions.index_snapshot, versions.market_snapshot, versions.model) == (INDEX, MARKET, MODEL)
    assert (versions.prompts, versions.assumptions_as_of, versions.assumptions_label) == (
        PROMPTS,
        AS_OF,
        "ILLUSTRATIVE",
    )
    assert (versions.catalogue, versions.rule_pack) == (shipped_catalogue().digest, "suitability-us 2026-11")


async def test_contradictory_answers_stop_before_any_service_is_asked() -> None:
    fakes = Fakes()

    conclusion, steps = await drafted(fakes, order("contradictory"))

    assert conclusion.outcome == Blocked()
    assert stages_of(steps) == ["PROFILE", "CHECK"]
    assert {finding.rule_id for finding in findings_of(steps)} == {"R06"}
    assert (fakes.optimizer.problems, fakes.retrieval.snapshots_asked, fakes.advice.briefs) == ([], [], [])


async def test_a_required_product_above_the_class_stops_before_optimisation() -> None:
    fakes = Fakes()

    conclusion, steps = await drafted(fakes, order("cautious", required_products=(RequiredProduct("QQQ", 0.1),)))

    assert conclusion.outcome == Blocked()
    assert stages_of(steps) == ["PROFILE", "UNIVERSE", "CHECK"]
    assert [(f.rule_id, f.subject) for f in findings_of(steps) if f.severity == "BLOCK"] == [("R07", "QQQ")]
    assert any(isinstance(step, FactsRecorded) and step.facts for step in steps)
    assert fakes.optimizer.problems == []


async def test_contradicting_limits_are_a_result_with_what_is_known_of_the_client() -> None:
    fakes = Fakes()
    fakes.optimizer.infeasible = True

    conclusion, steps = await drafted(fakes, order())

    assert isinstance(conclusion.outcome, Infeasibility)
    assert conclusion.versions.market_snapshot == MARKET
    assert fakes.advice.briefs == []
    assert any(isinstance(step, FactsRecorded) and step.facts for step in steps)


@pytest.mark.parametrize("service", ["retrieval", "optimizer", "advice"])
async def test_an_outage_fails_the_proposal_and_is_never_recorded_as_unsuitable(service: str) -> None:
    fakes = Fakes()
    getattr(fakes, service).down = True

    conclusion, steps = await drafted(fakes, order())

    assert isinstance(conclusion.outcome, Failure)
    assert conclusion.outcome.reason == "UPSTREAM_UNAVAILABLE"
    assert service in conclusion.outcome.message
    assert findings_of(steps) == []


async def test_a_text_that_breaks_off_fails_the_proposal_and_keeps_what_was_written() -> None:
    fakes = Fakes(advice=FakeAdvice(breaks_after=2))

    conclusion, steps = await drafted(fakes, order())

    assert isinstance(conclusion.outcome, Failure)
    assert len([step for step in steps if isinstance(step, Segment)]) == 2


async def test_a_fault_of_our_own_fails_the_proposal_without_its_details() -> None:
    fakes = Fakes()

    async def broken(*_: object) -> None:
        raise ZeroDivisionError("client 4711 has nothing")

    fakes.optimizer.market_snapshot = broken  # type: ignore[method-assign,assignment]
    conclusion, _ = await drafted(fakes, order())

    assert isinstance(conclusion.outcome, Failure)
    assert conclusion.outcome.reason == "INTERNAL"
    assert "4711" not in conclusion.outcome.message


async def test_an_unknown_index_snapshot_is_named_in_the_failure() -> None:
    fakes = Fakes()

    async def unknown(*_: object) -> None:
        raise NotFound("retrieval: index snapshot abc does not exist")

    fakes.retrieval.search = unknown  # type: ignore[method-assign,assignment]
    conclusion, _ = await drafted(fakes, order())

    assert conclusion.outcome == Failure("NOT_FOUND", "retrieval: index snapshot abc does not exist")


async def test_words_that_command_a_model_never_reach_it_and_weights_are_the_same() -> None:
    clean, poisoned = Fakes(), Fakes()
    poisoned.retrieval.poisoned = frozenset(shipped_catalogue().products)

    before, _ = await drafted(clean, order())
    after, steps = await drafted(poisoned, order())

    assert isinstance(before.outcome, Recommendation)
    assert isinstance(after.outcome, Recommendation)
    assert after.outcome.lines == before.outcome.lines
    (brief,) = poisoned.advice.briefs
    assert brief.passages
    assert all(POISON.encode() not in citable.passage.message for citable in brief.passages)
    (facts,) = [step for step in steps if isinstance(step, FactsRecorded)]
    assert facts.passages == brief.passages
    assert [citable.handle for citable in brief.passages] == list(range(1, len(brief.passages) + 1))


async def test_assumptions_that_are_not_those_of_the_catalogue_fail_the_proposal() -> None:
    fakes = Fakes()
    fakes.optimizer.assumption_set = "another-set"

    conclusion, _ = await drafted(fakes, order())

    assert isinstance(conclusion.outcome, Failure)
    assert conclusion.outcome.reason == "MARKET_DATA_STALE"
    assert "fiducia ingest" in conclusion.outcome.message


async def test_all_searches_of_a_proposal_use_one_index_snapshot() -> None:
    fakes, pinned = Fakes(), Fakes()

    await drafted(fakes, order())
    await drafted(pinned, replace(order(), index_snapshot="a" * 64))

    assert fakes.retrieval.snapshots_asked == ["", INDEX]
    assert pinned.retrieval.snapshots_asked == ["a" * 64, "a" * 64]


async def test_proposal_and_alternative_come_from_one_market_snapshot() -> None:
    fakes = Fakes(optimizer=MovingOptimizer())

    conclusion, _ = await drafted(fakes, order())

    asked = [problem.market_snapshot for problem, _ in fakes.optimizer.problems]
    assert asked == ["", "", conclusion.versions.market_snapshot]
    assert conclusion.versions.market_snapshot == MARKET


@pytest.mark.parametrize(
    "bad",
    [
        written(1, "RISK", "It lost 12.5 % once."),
        written(1, "RISK", "It lost １２％ once."),
        written(1, "RISK", "It has {{f}}.", fact=("no.such.fact", "5 %")),
        written(1, "RISK", "It has {{f}}.", fact=("cost_share", "99.9%")),
        written(1, "RISK", "Hold {{p}}.", product="GME"),
    ],
)
async def test_a_segment_that_shows_what_the_brief_lacks_is_not_recorded_and_blocks(bad: Segment) -> None:
    fakes = Fakes(advice=FakeAdvice(extra=bad))

    conclusion, steps = await drafted(fakes, order())

    assert conclusion.outcome == Blocked()
    assert bad.text not in [step.text for step in steps if isinstance(step, Segment)]
    assert "R18" in {finding.rule_id for finding in findings_of(steps) if finding.severity == "BLOCK"}


async def test_a_text_without_disclosure_blocks() -> None:
    class Silent(FakeAdvice):
        def _segments(self, brief):  # type: ignore[no-untyped-def]
            return super()._segments(brief)[:-1]

    conclusion, steps = await drafted(Fakes(advice=Silent()), order())

    assert conclusion.outcome == Blocked()
    assert "R23" in {finding.rule_id for finding in findings_of(steps)}
