"""What the terminal shows of a proposal: the sentences and numbers that a reader relies on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fiducia.advice.v1 import segment_pb2
from fiducia.advisor.v1 import client_pb2, proposal_pb2
from fiducia.optimizer.v1 import portfolio_pb2
from fiducia.optimizer.v1.portfolio_pb2 import ConflictingLimit as Conflict
from fiducia.type.v1 import risk_pb2
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from services.cli.format import bar, money, percent, shares
from services.cli.products import show as show_product
from services.cli.show_allocation import show_lines, show_recommendation
from services.cli.show_client import show_profile, show_universe
from services.cli.show_prose import count_origins, show_findings, show_segment, show_sources
from services.cli.show_state import print_where_next, show_outcome, show_state
from tests.unit.cli import samples
from tests.unit.cli.screen import flat, shown

CLIENT = client_pb2.ClientSituation(
    language="en",
    cash=samples.usd(50_000),
    holdings=[client_pb2.Holding(external=client_pb2.ExternalProduct(name="Harbor Fund"))],
)
ZH_CLIENT = client_pb2.ClientSituation(language="zh")


def test_the_profile_gives_its_reason() -> None:
    text = shown(show_profile(samples.profile()))

    assert "Capacity 41, tolerance 64: capacity binds, class C3 (balanced)." in text


def test_the_universe_says_why_the_others_are_not_eligible() -> None:
    text = shown(show_universe(samples.universe(), "en"))

    assert "4 products, 2 eligible." in text
    assert "1 risk level above the class [R07]  SOXX" in text


def test_reasons_are_told_in_the_clients_language() -> None:
    assert "风险等级高于客户等级 [R07]" in shown(show_universe(samples.universe(), "zh"))


def test_the_allocation_shows_shares_and_money() -> None:
    text = shown(show_recommendation(samples.recommendation(), CLIENT))

    assert "VTI" in text
    assert "60.0 %" in text
    assert "USD 60,000" in text
    assert "buy   VTI" in text
    assert "sell  Old Fund" in text
    assert "0.05 %" in text
    assert "USD 50.25" in text
    assert "USD 12,000" in text
    assert "mean of the worst 5 % of outcomes over one year" in text
    assert "PIQP 0.6.2" in text
    assert "1.2e-12" in text
    assert "Held back by: yearly volatility at most 10.0 %." in text


def test_the_largest_share_has_the_longest_bar() -> None:
    rows = shown(show_lines(samples.recommendation(), CLIENT, {})).splitlines()

    bars = {row.split()[0]: row.count("█") for row in rows if "%" in row}
    assert bars == {"VTI": 16, "BND": 10, "Old": 0, "cash": 0}


def test_what_is_sold_entirely_is_part_of_today() -> None:
    sold = samples.recommendation()
    sold.trades.add(product_id="EXT1", side=proposal_pb2.TRADE_SIDE_SELL, amount=samples.usd(20_000))

    text = flat(show_recommendation(sold, CLIENT))

    assert "EXT1 Harbor Fund (sold entirely) 20.0 % 0.0 %" in text
    assert "sell Harbor Fund USD 20,000" in text
    assert "cash (invested) 50.0 % 0.0 %" in text


def test_no_line_is_wider_than_the_terminal_in_either_language() -> None:
    for width in (80, 100):
        for client in (CLIENT, ZH_CLIENT):
            text = shown(show_recommendation(samples.recommendation(), client), width=width)
            assert max(cell_len(row) for row in text.splitlines()) <= width


def test_columns_of_chinese_text_are_aligned() -> None:
    rows = shown(show_lines(samples.recommendation(), ZH_CLIENT, {})).splitlines()

    ends = {cell_len(row.rstrip()) for row in rows if "USD" in row}
    assert len(ends) == 1


def test_no_chinese_sentence_is_cut_short() -> None:
    words = "本方案将资金分散配置于多只产品，均选自目录中与您的类别相匹配的产品。" * 4

    text = shown(show_segment(samples.segment(words)), width=80)

    assert words in "".join(text.split()).replace("MODEL", "").replace("Whatcangowrong", "")


def test_each_piece_of_text_is_marked() -> None:
    model = samples.segment("By the model.")
    template = samples.segment("By a template.", origin=segment_pb2.SEGMENT_ORIGIN_TEMPLATE)
    template.fallback_reason = "the model is not available"

    text = shown(show_segment(model), show_segment(template))

    assert "MODEL     What can go wrong" in text
    assert "TEMPLATE  What can go wrong" in text
    assert "By a template.  (the model is not available)" in text
    assert count_origins([model, template]) == "1 pieces of text by the model, 1 from templates"


def test_a_source_is_listed_once_by_its_number() -> None:
    text = shown(show_sources([samples.segment("One."), samples.segment("Two.")]))

    assert text.count("A bad year") == 1
    assert "[1] A bad year; Fiducia knowledge base, in force from 2026-11-01; en-a-bad-year#1" in text


def test_a_finding_names_rule_and_source() -> None:
    text = shown(show_findings(samples.proposal().findings, "en"))

    assert "R22 (warning) Expected values are hypothetical.  Rule: sec-marketing-rule (2026-11-22)." in text


def test_the_state_says_that_it_is_a_draft() -> None:
    text = shown(show_state(samples.proposal()))

    assert "DRAFT, not approved, illustrative assumptions of 2026-11-01" in text
    assert "p-1" in text


def test_neither_the_file_nor_a_command_is_broken_into_lines() -> None:
    console = Console(width=40, markup=False)
    file, command = Path("/home/someone") / ("long-" * 20) / "p.json", "fiducia ask " + "word " * 20 + "end"

    with console.capture() as capture:
        print_where_next(console, file, [command])

    assert str(file) in capture.get()
    assert command in capture.get()


def infeasible(*conflicts: Conflict, together: Sequence[Conflict] = ()) -> proposal_pb2.Proposal:
    proposal = samples.proposal(proposal_pb2.PROPOSAL_STATE_INFEASIBLE)
    proposal.infeasibility.CopyFrom(portfolio_pb2.Infeasibility(conflicts=conflicts, relax_together=together))
    return proposal


def conflict(field: str, bound: float, relaxed: float | None = None, unsought: bool = False) -> Conflict:
    return Conflict(field=f"limits.{field}", bound=bound, relaxed_bound=relaxed, relaxation_not_sought=unsought)


def test_contradicting_limits_are_named_as_the_client_file_names_them() -> None:
    proposal = infeasible(conflict("max_volatility", 0.01, 0.034))

    text = shown(show_outcome(proposal, "en"))

    assert "preferences.max_volatility: yearly volatility at most 1.0 %; with 3.4 % there is a solution" in text


def test_a_bound_that_was_not_computed_does_not_read_like_one_that_does_not_exist() -> None:
    volatility, floor = conflict("max_volatility", 0.01, unsought=True), conflict("products[BND].min_weight", 0.4)
    proposal = infeasible(volatility, floor)

    text = flat(show_outcome(proposal, "en"))

    assert "yearly volatility at most 1.0 %; whether it is enough alone was not computed" in text
    assert "BND at least 40.0 %; loosening it alone is not enough" in text
    assert "Whether loosening one limit alone is enough was not computed; it may be." in text
    assert "No single one" not in text


def test_what_to_relax_together_is_told_so_that_it_is_enough() -> None:
    volatility, floor = ("max_volatility", 0.01), ("groups[required_BND].min_weight", 0.4)
    together = [conflict(*volatility, 0.0342), conflict(*floor, 0.3478)]

    text = flat(show_outcome(infeasible(conflict(*volatility), conflict(*floor), together=together), "en"))

    assert "No single one of them can resolve it; loosen several." in text
    assert "With all of these together there is a solution:" in text
    assert "preferences.max_volatility: yearly volatility at most 1.0 %; relaxed to 3.5 %" in text
    assert "preferences.required_products: BND at least 40.0 %; relaxed to 34.7 %" in text


def test_one_limit_that_is_enough_alone_is_not_told_twice() -> None:
    volatility = conflict("max_volatility", 0.01, 0.034)

    text = flat(show_outcome(infeasible(volatility, together=[volatility]), "en"))

    assert "this limit cannot be met" in text
    assert "together" not in text


def test_a_proposal_that_kept_no_reason_for_an_absent_bound_claims_none() -> None:
    proposal = infeasible(conflict("max_volatility", 0.01), conflict("max_turnover", 0.1))

    text = flat(show_outcome(proposal, "en"))

    assert "Loosen one or several of the limits." in text
    assert "alone" not in text
    assert "No single one" not in text


def test_what_is_not_known_of_a_product_is_not_available() -> None:
    text = shown(show_product(samples.product("BND", risk_pb2.RISK_LEVEL_R2, fee=None), "en"))

    assert "not available; without a known fee the product is not eligible" in text
    assert "Example Trust  general-knowledge; to be checked with the issuer" in text


@given(st.floats(-2, 2))
def test_a_rounded_zero_has_no_sign(fraction: float) -> None:
    text = percent(fraction)

    assert not text.startswith("-0.0 ")
    assert abs(float(text.removesuffix(" %")) / 100 - fraction) <= 0.0005 + 1e-12


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=30))
def test_shares_of_a_whole_add_up_to_a_hundred_per_cent(parts: list[int]) -> None:
    weights = [part / sum(parts) for part in parts]

    shown_shares = [round(10 * float(share.removesuffix(" %"))) for share in shares(weights)]

    assert sum(shown_shares) == 1000
    assert all(abs(share - 1000 * weight) < 1 for share, weight in zip(shown_shares, weights, strict=True))


def test_shares_are_rounded_as_in_the_text() -> None:
    weights = [0.497529676683341, 0.2329736727348442, 0.2158503660663611, 0.053646284515453696]

    assert shares(weights) == ["49.7 %", "23.3 %", "21.6 %", "5.4 %"]


@given(st.floats(0, 1), st.integers(1, 40))
def test_a_bar_never_leaves_its_column(fraction: float, width: int) -> None:
    assert len(bar(fraction, width)) <= width


def test_money_is_rounded_and_grouped() -> None:
    assert money(samples.usd(1_234_567, 890_000_000)) == "USD 1,234,568"
    assert money(samples.usd(5, 250_000_000), 2) == "USD 5.25"
