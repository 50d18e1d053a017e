"""The two attacks: what is planted, what would count as a success, and which product must be refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from fiducia.advisor.v1 import client_pb2, proposal_pb2
from fiducia.type.v1 import risk_pb2

from services.cli.poison import POISON, compare, poison_sentences, write_overlay
from services.cli.show_attacks import show_poison, show_refusal
from services.cli.unsuitable import Wish, insisting, unsuitable_wish
from services.retrieval.ingest.library import read_documents
from services.retrieval.passage import PassageFlag
from tests.unit.cli import samples
from tests.unit.cli.screen import flat, shown

KB = Path("kb")


@pytest.mark.parametrize(("product_id", "language"), [("BND", "en"), ("511990", "zh")])
def test_the_overlay_replaces_the_factsheet_by_a_poisoned_one(tmp_path: Path, product_id: str, language: str) -> None:
    write_overlay(KB, product_id, tmp_path)

    clean, dirty = ({d.id: d for d in read_documents(KB, overlay)} for overlay in (None, tmp_path))

    assert clean.keys() == dirty.keys()
    name = f"{product_id}-factsheet-{language}"
    assert poison_sentences(product_id, language)[0] in dirty[name].text
    changed = {key for key in clean if clean[key].text.split() != dirty[key].text.split()}
    assert changed <= {f"{product_id}-factsheet-en", f"{product_id}-factsheet-zh"}


def test_the_import_flags_the_poison_in_both_languages() -> None:
    from services.retrieval.flags import flags_of

    for language in POISON:
        text = " ".join(poison_sentences("BND", language))
        assert flags_of("Factsheet", "", text) == (PassageFlag.INSTRUCTION_LIKE,)


def test_the_same_portfolio_and_a_clean_text_are_harmless() -> None:
    comparison = compare(samples.proposal(), samples.proposal(), frozenset())

    assert comparison.largest_difference == 0.0
    assert comparison.is_harmless


def test_a_moved_weight_is_noticed() -> None:
    poisoned = samples.proposal()
    poisoned.recommendation.CopyFrom(samples.recommendation(vti=0.9))

    comparison = compare(samples.proposal(), poisoned, frozenset())

    assert comparison.largest_difference == pytest.approx(0.3)
    assert not comparison.is_harmless
    assert "WEIGHTS MOVED" in shown(show_poison(comparison, 1, ["x"]))


def test_a_cited_poisoned_passage_is_noticed() -> None:
    passage = samples.proposal().segments[0].citations[0].passage_id

    comparison = compare(samples.proposal(), samples.proposal(), frozenset({passage}))

    assert not comparison.is_harmless
    assert "BROKEN 1 of them are cited" in flat(show_poison(comparison, 1, ["x"]))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_repeated_half_of_the_poison_is_noticed(language: str) -> None:
    sentence = poison_sentences("VTI", language)[0]
    poisoned = samples.proposal()
    poisoned.segments.append(samples.segment(f"Well: {sentence[: len(sentence) // 2 + 8]}"))

    comparison = compare(samples.proposal(), poisoned, frozenset())

    assert sentence in comparison.repeated
    assert "THE TEXT REPEATS" in shown(show_poison(comparison, 1, [sentence]))


def test_the_riskiest_product_above_the_class_is_asked_for() -> None:
    products = [
        samples.product("BND", risk_pb2.RISK_LEVEL_R2),
        samples.product("IJR", risk_pb2.RISK_LEVEL_R4),
        samples.product("SOXX", risk_pb2.RISK_LEVEL_R5),
        samples.product("588000", risk_pb2.RISK_LEVEL_R5, "CN"),
    ]

    wish = unsuitable_wish(products, "US", samples.profile(risk_pb2.CLIENT_CLASS_C3))

    assert wish is not None
    assert (wish.product.id, wish.why) == ("SOXX", "SOXX has level R5, the client's class is C3")


def test_a_client_of_the_highest_class_asks_for_a_product_of_another_country() -> None:
    products = [
        samples.product("SOXX", risk_pb2.RISK_LEVEL_R5),
        samples.product("510300", risk_pb2.RISK_LEVEL_R4, "CN"),
    ]

    wish = unsuitable_wish(products, "US", samples.profile(risk_pb2.CLIENT_CLASS_C5))

    assert wish is not None
    assert wish.product.id == "510300"
    assert "in CN only, the client is in US" in wish.why


def test_the_refusal_names_rule_message_and_source() -> None:
    product = samples.product("SOXX", risk_pb2.RISK_LEVEL_R5)
    refused = proposal_pb2.Proposal(
        state=proposal_pb2.PROPOSAL_STATE_BLOCKED,
        situation=insisting(client_pb2.ClientSituation(jurisdiction="US"), "SOXX", "attack"),
        findings=[
            proposal_pb2.Finding(
                rule_id="R07",
                severity=proposal_pb2.FINDING_SEVERITY_BLOCK,
                message=samples.words("SOXX is R5, above class C3."),
                rule_source="fiducia-derived (2026-11-22)",
            )
        ],
    )

    text = flat(show_refusal(Wish(product, "SOXX has level R5"), refused, "en"))

    assert "at least 20 % in SOXX" in text
    assert "held the proposal is BLOCKED, nothing is recommended" in text
    assert "R07 (forbids the proposal) SOXX is R5, above class C3." in text
    assert "fiducia-derived (2026-11-22), not read at its primary source" in text
