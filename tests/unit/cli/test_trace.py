"""One number followed from its sentence to the solver and the dated assumption."""

from __future__ import annotations

from fiducia.type.v1 import fact_pb2

from services.cli.show_trace import show_trace
from services.cli.trace import Trace, best_trace, longest_way
from tests.unit.cli import samples
from tests.unit.cli.screen import flat


def traced() -> Trace:
    trace = best_trace(samples.proposal().segments, samples.facts())
    assert trace is not None
    return trace


def test_the_number_with_solver_and_assumption_behind_it_is_chosen() -> None:
    assert [step.fact.id for step in traced().steps] == ["loss_money", "loss_share", "assumed_volatility"]


def test_what_else_a_number_was_computed_from_stands_beside_the_way() -> None:
    assert [fact.id for fact in traced().steps[0].beside] == ["worth"]


def test_the_trace_shows_sentence_fact_solver_and_dated_assumption() -> None:
    text = flat(show_trace(traced(), "en"))

    assert "“A bad year may cost $12,000 [1].”" in text
    assert "computed: product, digest abababababab, also from worth $100,000" in text
    assert "loss share: 12.0% loss_share solved by PIQP 0.6.2" in text
    assert "assumption of the set illustrative-2026-11, as of 2026-11-01" in text


def test_only_the_sentence_of_the_number_is_shown() -> None:
    segment = samples.segment(
        "The U.S. Bond Fund falls. A loss of $12,000 is possible. Nobody knows.", "loss_money", "$12,000"
    )

    trace = best_trace([segment], samples.facts())

    assert trace is not None
    assert "“A loss of $12,000 is possible.”" in flat(show_trace(trace, "en"))


def test_a_text_without_numbers_has_no_trace() -> None:
    assert best_trace([samples.segment("No number here.")], samples.facts()) is None


def test_a_number_that_is_no_fact_has_no_trace() -> None:
    assert best_trace([samples.segment("A loss of $9.", "unknown", "$9")], samples.facts()) is None


def test_facts_that_point_at_each_other_end_the_way() -> None:
    one = fact_pb2.Fact(id="one", source=fact_pb2.FactSource(derived_from=["two"]))
    two = fact_pb2.Fact(id="two", source=fact_pb2.FactSource(derived_from=["one"]))

    way = longest_way(one, {"one": one, "two": two}, {})

    assert [fact.id for fact in way] == ["one", "two"]
