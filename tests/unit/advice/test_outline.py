"""Which segments a brief gets, and that all they offer is true of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.advice.brief import Brief
from services.advice.claims import alternative_claims, portfolio_claims
from services.advice.grammar_phrases import openings
from services.advice.outline import MAX_DISADVANTAGES, outline
from services.advice.pointers import is_offered
from services.advice.render import render
from services.advice.verify import delivered_problems, problems
from tests.unit.advice.briefs import US_FAMILY, US_YOUNG, brief, cn_saver, us_family_zh

BRIEFS = [brief(case) for case in (US_FAMILY, US_YOUNG, cn_saver(), us_family_zh())]


@pytest.mark.parametrize("one", BRIEFS)
def test_a_full_brief_gets_every_kind_of_segment_in_order(one: Brief) -> None:
    kinds = list(dict.fromkeys(plan.kind for plan in outline(one)))

    assert kinds == [
        "SUMMARY", "PROFILE", "ALLOCATION", "RISK", "COST", "TRADES", "DISADVANTAGE", "ALTERNATIVE", "DISCLOSURE",
    ]  # fmt: skip


@pytest.mark.parametrize("one", BRIEFS)
def test_each_slot_of_the_models_segments_leaves_three_ways_to_say_it(one: Brief) -> None:
    thin = [
        (plan.kind, plan.subject, slot.name)
        for plan in outline(one)
        for slot in plan.slots
        if not plan.fixed and slot.name != "quote" and len(openings(slot.phrases)) < 3
    ]

    assert thin == []


@given(st.sampled_from(BRIEFS), st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_whatever_is_missing_all_that_is_offered_can_be_delivered(one: Brief, data: st.DataObject) -> None:
    facts = data.draw(st.sets(st.sampled_from([fact.id for fact in one.facts])))
    products = data.draw(st.sets(st.sampled_from([product.id for product in one.products])))
    thinned = replace(
        one,
        facts=tuple(fact for fact in one.facts if fact.id in facts),
        products=tuple(product for product in one.products if product.id in products),
        passages=one.passages[:: data.draw(st.integers(3, 9))],
    )

    plans = outline(thinned)

    for text in (phrase for plan in plans for slot in plan.slots for phrase in slot.phrases):
        assert is_offered(text, thinned)
        assert problems(text, thinned) == []
        rendered = render(text, thinned)
        assert delivered_problems(rendered.text, rendered.bindings) == []


def test_an_empty_brief_still_discloses() -> None:
    kinds = [plan.kind for plan in outline(Brief("zh"))]

    assert "DISCLOSURE" in kinds
    assert "TRADES" not in kinds


def test_every_new_product_has_its_drawbacks_and_only_the_heaviest_are_worded_by_the_model() -> None:
    one = BRIEFS[0]
    template = one.products[0]
    more = [replace(template, id=f"X{chr(65 + i)}", held_today=False) for i in range(12)]

    plans = [plan for plan in outline(replace(one, products=tuple(more))) if plan.kind == "DISADVANTAGE"]

    assert {plan.subject for plan in plans} == {product.id for product in more}
    assert sum(not plan.fixed for plan in plans) == MAX_DISADVANTAGES


def test_a_held_product_needs_no_drawbacks() -> None:
    subjects = {plan.subject for plan in outline(BRIEFS[0]) if plan.kind == "DISADVANTAGE"}

    assert subjects == {"VTI", "VEA", "SCHP", "VNQ", "IAU"}


def changed(one: Brief, fact_id: str, value: float) -> Brief:
    return replace(one, facts=tuple(replace(f, value=value) if f.id == fact_id else f for f in one.facts))


@pytest.mark.parametrize(
    ("today", "claim"), [(0.142, "calmer_than_today"), (0.095, "as_calm_as_today"), (0.05, "wilder_than_today")]
)
def test_the_comparison_with_today_follows_the_facts(today: float, claim: str) -> None:
    claims = portfolio_claims(changed(BRIEFS[0], "current_volatility", today))

    words = {"calmer_than_today", "as_calm_as_today", "wilder_than_today"}
    assert claims & words == {claim}


def test_an_alternative_is_called_calmer_only_if_risk_return_and_loss_are_lower() -> None:
    calmer = alternative_claims(BRIEFS[0], "minimum_risk")
    odd = alternative_claims(changed(BRIEFS[0], "alternative.minimum_risk.expected_return_net", 0.2), "minimum_risk")

    assert "alt_calmer" in calmer
    assert not odd & {"alt_calmer", "alt_wilder", "alt_as_calm"}


def test_a_year_without_a_loss_is_not_called_a_loss() -> None:
    one = changed(changed(BRIEFS[0], "bad_year_loss", -120.0), "bad_year_loss_share", -0.01)

    risk = next(plan for plan in outline(one) if plan.kind == "RISK")

    assert not any("lose about" in phrase or "{{f:bad_year_loss}}" in phrase for phrase in risk.slots[0].phrases)


def test_passages_that_read_like_instructions_or_come_from_elsewhere_are_never_quoted() -> None:
    one = BRIEFS[0]
    flagged = replace(one, passages=tuple(replace(p, instruction_like=True) for p in one.passages))
    external = replace(one, passages=tuple(replace(p, trust="EXTERNAL") for p in one.passages))

    texts = [s for b in (flagged, external) for plan in outline(b) for slot in plan.slots for s in slot.phrases]

    assert not any("{{c:" in text for text in texts)
