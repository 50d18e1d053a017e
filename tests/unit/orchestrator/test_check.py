"""The rules over a finished proposal: each can be green, and each turns red on its own fault."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orchestrator.catalogue.rules import LEVELS, ClientClass
from services.orchestrator.catalogue.schema import RiskLevelName
from services.orchestrator.suitability.check import CheckedText, Draft, TextSegment, check_proposal
from services.orchestrator.suitability.finding import Finding, found, is_blocked
from services.orchestrator.suitability.portfolio_rules import levels_within_class
from services.orchestrator.suitability.text_rules import promise_in
from services.orchestrator.text import Text
from tests.unit.orchestrator.advice_kit import (
    case_of,
    catalogue,
    changed,
    family,
    faultless_text,
    proposal,
    propose,
    situation,
    worth,
)

CLASSES = get_args(ClientClass)
# None leaves the proposal as the rules made it, all R1, which every class may hold.
COLUMNS: tuple[RiskLevelName | None, ...] = (None, *LEVELS)


def blocks(draft: Draft) -> list[str]:
    return [finding.rule_id for finding in check_proposal(draft) if finding.severity == "BLOCK"]


def with_text(**changes: Any) -> Draft:
    text = faultless_text(proposal("US", "C3"))
    return proposal("US", "C3").draft(replace(text, **changes))


@pytest.mark.parametrize("jurisdiction", ["US", "CN"])
@pytest.mark.parametrize("client_class", CLASSES)
def test_a_proposal_made_by_the_rules_passes_them(jurisdiction: str, client_class: ClientClass) -> None:
    findings = check_proposal(proposal(jurisdiction, client_class).draft())

    assert not is_blocked(findings)


@pytest.mark.parametrize("client_class", CLASSES)
@pytest.mark.parametrize("level", COLUMNS)
@pytest.mark.parametrize("whole", [False, True], ids=["product", "portfolio"])
def test_levels_against_classes(client_class: ClientClass, level: RiskLevelName | None, whole: bool) -> None:
    made = replace(proposal("US", "C1"), case=case_of("US", client_class))
    if level is not None and whole:
        made = changed(made, portfolio_risk_level=level)
    elif level is not None:
        made = changed(made, lines=(replace(made.recommendation.lines[0], risk_level=level),))

    findings = list(levels_within_class(made.draft()))

    allowed = level is None or LEVELS.index(level) <= CLASSES.index(client_class)
    assert (findings == []) == allowed
    assert all(finding.severity == "BLOCK" for finding in findings)
    assert {finding.rule_id for finding in findings} <= {"R08" if client_class == "C1" else "R07"}
    assert all(finding.subject == ("" if whole else made.recommendation.lines[0].product_id) for finding in findings)


@given(st.sampled_from(CLASSES), st.sampled_from(LEVELS), st.sampled_from(LEVELS))
def test_both_product_and_portfolio_must_pass(
    client_class: ClientClass, product: RiskLevelName, whole: RiskLevelName
) -> None:
    made = replace(proposal("US", "C1"), case=case_of("US", client_class))
    line = replace(made.recommendation.lines[0], risk_level=product)

    findings = list(levels_within_class(changed(made, lines=(line,), portfolio_risk_level=whole).draft()))

    limit = CLASSES.index(client_class)
    assert len(findings) == (LEVELS.index(product) > limit) + (LEVELS.index(whole) > limit)


@pytest.mark.parametrize(
    ("cvar", "red"),
    [({"loss": 0.18}, False), ({"loss": 0.181}, True), ({"confidence": 0.9}, True), ({"horizon_years": 0.5}, True)],
)
def test_the_loss_of_a_bad_year_stays_within_capacity(cvar: dict[str, Any], red: bool) -> None:
    made = proposal("US", "C3")
    analysis = replace(made.recommendation.analysis, cvar=replace(made.recommendation.analysis.cvar, **cvar))

    assert ("R12" in blocks(changed(made, analysis=analysis).draft())) == red


def test_a_product_outside_the_universe_blocks() -> None:
    made = proposal("US", "C3")
    line = replace(made.recommendation.lines[0], product_id="510300")

    assert "R13" in blocks(changed(made, lines=(line, *made.recommendation.lines[1:])).draft())


def test_a_fund_outside_the_catalogue_that_grows_blocks() -> None:
    made = family()
    line = replace(made.recommendation.lines[0], product_id="EXT1", external=True, weight=0.5, current_weight=0.2)

    assert "R13" in blocks(changed(made, lines=(line,)).draft())


@pytest.mark.parametrize("kept", [0, 1])
def test_a_missing_alternative_blocks(kept: int) -> None:
    made = proposal("US", "C3")

    assert "R14" in blocks(changed(made, alternatives=made.recommendation.alternatives[kept : kept + 1]).draft())


def test_an_alternative_without_a_reason_in_one_language_blocks() -> None:
    made = proposal("US", "C3")
    first, second = made.recommendation.alternatives

    silent = replace(second, reason=Text(second.reason.en))

    assert "R14" in blocks(changed(made, alternatives=(first, silent)).draft())


@pytest.mark.parametrize("missing", ["cost_share", "cost_money"])
def test_a_cost_missing_in_per_cent_or_money_blocks(missing: str) -> None:
    made = proposal("US", "C3")

    without = replace(made, facts=tuple(fact for fact in made.facts if fact.id != missing))

    assert "R15" in blocks(without.draft())


def test_a_cost_that_does_not_add_up_blocks() -> None:
    made = proposal("US", "C3")
    analysis = replace(made.recommendation.analysis, expense_ratio=0.0001)

    assert "R15" in blocks(changed(made, analysis=analysis).draft())


def test_a_switch_that_lowers_the_return_says_so() -> None:
    findings = check_proposal(family().draft())

    (finding,) = [finding for finding in findings if finding.rule_id == "R15"]
    assert finding.severity == "WARNING"
    assert family().fact["expected_return_net_change"].rendered.en in finding.message.en


def test_each_new_product_needs_its_own_disadvantages() -> None:
    text = faultless_text(proposal("US", "C3"))
    first = next(iter(text.segments[0].product_ids))

    findings = check_proposal(proposal("US", "C3").draft(CheckedText(text.segments[1:])))

    assert [(f.rule_id, f.subject) for f in findings if f.severity == "BLOCK"] == [("R16", first)]


def test_a_product_that_is_held_already_needs_no_disadvantages() -> None:
    made = propose(situation(cash="1000", holdings=[worth("BND", "99000")]))

    text = CheckedText((TextSegment(1, "DISCLOSURE"),))

    assert "BND" not in [f.subject for f in check_proposal(made.draft(text)) if f.rule_id == "R16"]


def test_a_conflict_of_interest_is_listed() -> None:
    made = proposal("US", "C3")
    key = made.recommendation.lines[0].product_id
    flagged = catalogue().products[key].model_copy(update={"conflicts": ["managed by the firm itself"]})
    with_flag = catalogue().model_copy(update={"products": {**catalogue().products, key: flagged}})

    findings = check_proposal(replace(made, case=replace(made.case, catalogue=with_flag)).draft())

    (finding,) = [finding for finding in findings if finding.rule_id == "R17"]
    assert (finding.severity, finding.subject) == ("WARNING", key)
    assert "managed by the firm itself" in finding.message.en


def test_an_unbound_quantity_blocks() -> None:
    assert blocks(with_text(unbound_quantities=("three quarters",))) == ["R18"]


def test_a_pointer_at_an_unknown_fact_blocks() -> None:
    text = faultless_text(proposal("US", "C3"))
    wrong = replace(text.segments[0], fact_ids=frozenset({"weight.zzz"}))

    assert blocks(with_text(segments=(wrong, *text.segments[1:]))) == ["R18"]


@pytest.mark.parametrize(
    ("words", "promise"),
    [
        ("This fund is risk-free.", "risk-free"),
        ("It offers a guaranteed return.", "guaranteed return"),
        ("You can't lose.", "can't lose"),
        ("Gains are guaranteed here.", "Gains are guaranteed"),
        ("该产品保本。", "保本"),
        ("本组合稳赚不赔。", "稳赚"),
        ("Nothing is risk-free in markets, and this is not a guaranteed return.", None),
        ("Returns are not guaranteed.", None),
        ("No fund is risk-free.", None),
        ("货币基金不保本。", None),
        ("本方案不承诺保证收益。", None),
        ("没有无风险的投资。", None),
        ("The yearly volatility is low.", None),
        ("It follows the risk-free rate.", None),
        ("收益接近无风险利率。", None),
    ],
)
def test_promises_are_found_and_denials_are_not(words: str, promise: str | None) -> None:
    assert promise_in(words) == promise


def test_a_promise_blocks() -> None:
    text = faultless_text(proposal("US", "C3"))
    promising = TextSegment(99, "SUMMARY", text="The return is guaranteed.")

    assert blocks(with_text(segments=(*text.segments, promising))) == ["R20"]


def test_hypothetical_results_and_automation_need_a_disclosure() -> None:
    text = faultless_text(proposal("US", "C3"))

    assert blocks(with_text(segments=text.segments[:-1])) == ["R22", "R23"]


def test_a_hypothetical_result_without_a_date_blocks() -> None:
    made = proposal("US", "C3")
    facts = tuple(replace(fact, as_of=None) if fact.id == "volatility" else fact for fact in made.facts)

    assert blocks(replace(made, facts=facts).draft()) == ["R22"]


def test_a_past_return_without_a_date_blocks() -> None:
    made = proposal("US", "C3")
    past = replace(made.fact["volatility"], id="past_return", basis="ACTUAL", net_of_fees=True, as_of=None)

    assert blocks(replace(made, facts=(*made.facts, past)).draft()) == ["R21"]


def test_what_nobody_read_at_its_source_is_named_once() -> None:
    findings = check_proposal(proposal("CN", "C3").draft())

    (finding,) = [finding for finding in findings if "Not yet checked" in finding.message.en]
    assert finding.severity == "WARNING"
    assert "fees of 511030" in finding.message.en
    assert "assumptions on " in finding.message.en


def test_illustrative_assumptions_are_said_to_be_so() -> None:
    findings = check_proposal(proposal("US", "C3").draft())

    assert any("illustrative" in finding.message.en for finding in findings)


def test_a_finding_carries_the_source_of_its_rule() -> None:
    pack = catalogue().packs["US"]

    known, own = found(pack, "R12", Text("a", "b")), found(pack, "R18", Text("a", "b"))

    assert known == Finding(
        "R12", "BLOCK", Text("a", "b"), "", "fca-cobs-9 (2026-11-22), pack suitability-us 2026-11", True
    )
    assert not own.rule_verified
