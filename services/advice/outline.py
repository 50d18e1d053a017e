"""Which segments a brief gets, in which order, and what may stand in each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.advice.brief import Brief, Product
from services.advice.claims import (
    alternative_claims,
    holds_today,
    portfolio_claims,
    product_claims,
    proposed,
    side_of,
)
from services.advice.fragments import portfolio_fragments, product_fragments
from services.advice.lexicon import promises
from services.advice.phrasebook import offered, phrasebook
from services.advice.sentences import Quote, is_clean, product_quotes, quotes_about
from services.advice.terms import terms_of
from services.advice.verify import problems

# The model words the drawbacks of this many of the heaviest new products; those of the others have fixed wording.
MAX_DISADVANTAGES = 8
MAX_ALTERNATIVES = 3
MAX_QUOTES = 4
_RISK_HEADINGS = ("what can go wrong", "risk", "可能出什么问题", "风险")
_ENOUGH_RISKS = 3
# A passage supports a risk if it has most of the risk's content words, not only its subject.
_MIN_SHARED = 0.6
_DIGIT = re.compile(r"\d")
# What a rule asks to be shown beside the alternatives: keeping everything as it is.
STAY = "do_nothing"


@dataclass(frozen=True)
class Slot:
    """A place for one sentence, and the sentences (pointer texts) that are true there; at least one."""

    name: str
    phrases: tuple[str, ...]


@dataclass(frozen=True)
class SegmentPlan:
    """One segment to write.

    kind:    SUMMARY, PROFILE, ALLOCATION, RISK, COST, TRADES, DISADVANTAGE, ALTERNATIVE or DISCLOSURE.
    subject: the product or alternative it is about; empty otherwise.
    orders:  ways to arrange the slots, by index; the first is the template's.
    fixed:   why the wording is not the model's to choose; empty if it is.
    """

    kind: str
    subject: str
    slots: tuple[Slot, ...]
    orders: tuple[tuple[int, ...], ...]
    fixed: str = ""

    def template(self, language: str) -> str:
        """Return the first phrase of each slot, in the first order: good text without any model."""
        return join([self.slots[i].phrases[0] for i in self.orders[0]], language)


def join(sentences: list[str], language: str) -> str:
    """Return sentences as running text."""
    return ("" if language == "zh" else " ").join(sentences)


def outline(brief: Brief) -> list[SegmentPlan]:
    """Return the segments of an advice text, in order."""
    claims, fragments = portfolio_claims(brief), portfolio_fragments(brief)
    claims |= _driver_claims(brief, fragments)
    kinds = ["SUMMARY", "PROFILE", "ALLOCATION", "RISK", "COST"]
    if any(side_of(brief, product) for product in brief.products):
        kinds.append("TRADES")
    plans = [_plan(brief, kind, claims, fragments) for kind in kinds]
    plans += [_disadvantage(brief, product, place) for place, product in enumerate(newly_proposed(brief))]
    plans += _alternatives(brief, claims, fragments)
    plans.append(_plan(brief, "DISCLOSURE", claims, fragments, fixed="fixed wording"))
    return [plan for plan in plans if plan.slots]


def newly_proposed(brief: Brief) -> list[Product]:
    """Return the heaviest products that are proposed and not held today."""
    return [product for product in proposed(brief) if not product.held_today]


def alternatives(brief: Brief) -> list[str]:
    """Return the identifiers of the alternatives that facts describe, in their order."""
    parts = [fact.id.split(".") for fact in brief.facts if fact.id.startswith("alternative.")]
    return [name for name in dict.fromkeys(part[1] for part in parts if len(part) == 3) if name != STAY]


def _plan(
    brief: Brief,
    kind: str,
    claims: frozenset[str],
    fragments: dict[str, str],
    subject: str = "",
    extra: dict[str, list[str]] | None = None,
    fixed: str = "",
) -> SegmentPlan:
    entry = phrasebook(brief.language).segments[kind]
    filled = {name: offered(phrases, claims, fragments, brief) for name, phrases in entry.slots.items()} | (extra or {})
    filled["quote"] = _quoted(quotes_about(brief, entry.quotes, MAX_QUOTES)) if entry.quotes else []
    sound = {name: [text for text in texts if not problems(text, brief)] for name, texts in filled.items()}
    slots = tuple(Slot(name, tuple(texts)) for name, texts in sound.items() if texts)
    places = {slot.name: place for place, slot in enumerate(slots)}
    orders = [[places[n] for n in (*order, "quote") if n in places] for order in entry.orders]
    return SegmentPlan(kind, subject, slots, tuple(dict.fromkeys(tuple(order) for order in orders)), fixed)


def _disadvantage(brief: Brief, product: Product, place: int) -> SegmentPlan:
    claims, fragments = product_claims(brief, product.id), product_fragments(brief, product)
    risks = _risks(brief, product)
    extra = {"risk": risks, "generic": []} if risks else {}
    fixed = "" if place < MAX_DISADVANTAGES else "fixed wording: one of the smaller positions"
    return _plan(brief, "DISADVANTAGE", claims, fragments, product.id, extra, fixed)


def _risks(brief: Brief, product: Product) -> list[str]:
    """Return the product's main risks, each after its name; sentences of its documents where there are few."""
    stated = [risk.zh if brief.language == "zh" else risk.en for risk in product.main_risks]
    risks = [risk for risk in stated if risk and is_clean(risk) and not _DIGIT.search(risk)]
    texts = [f"{risk}{_source(brief, product, risk)}" for risk in risks]
    if len(texts) < _ENOUGH_RISKS:
        texts += _quoted(product_quotes(brief, product.id, _RISK_HEADINGS, MAX_QUOTES))
    colon = "：" if brief.language == "zh" else ": "
    return [f"{{{{p:{product.id}}}}}{colon}{text}" for text in texts]


def _source(brief: Brief, product: Product, risk: str) -> str:
    """Return the mark of the product's passage that speaks of this very risk; empty if none does."""
    said = terms_of(risk)
    shared = [
        (len(said & terms_of(passage.text)) / max(len(said), 1), -passage.handle)
        for passage in brief.passages
        if passage.product_id == product.id and passage.is_quotable and passage.language == brief.language
    ]
    best, handle = max(shared, default=(0.0, 0))
    space = "" if brief.language == "zh" else " "
    return f"{space}{{{{c:{-handle}}}}}" if best >= _MIN_SHARED else ""


def _quoted(quotes: Sequence[Quote]) -> list[str]:
    # Labels such as R3 are no numbers, yet beside a client's own figures they read like one. A sentence on
    # guarantees, even one that denies them, has no place beside a client's expected return.
    fit = [q for q in quotes if not _DIGIT.search(q.text) and not promises(q.text, denials_allowed=False)]
    return [quote.pointed for quote in fit]


def _alternatives(brief: Brief, claims: frozenset[str], fragments: dict[str, str]) -> list[SegmentPlan]:
    plans = []
    for name in alternatives(brief)[:MAX_ALTERNATIVES]:
        about = frozenset(alternative_claims(brief, name)) | (claims & {"loses_in_bad_year"})
        plans.append(_plan(brief, "ALTERNATIVE", about, fragments | {"alt": name}, name))
    stay = "stays_today" if holds_today(brief) else "stays_in_cash"
    plans.append(_plan(brief, "ALTERNATIVE", claims | {stay, "stays"}, fragments, STAY))
    return [plan for plan in plans if plan.slots and plan.slots[0].name == "compare"]


def _driver_claims(brief: Brief, fragments: dict[str, str]) -> frozenset[str]:
    driver = fragments.get("driver")
    if driver is None:
        return frozenset()
    return frozenset(claim.replace("product_", "driver_") for claim in product_claims(brief, driver))
