"""What the model is told: the brief in words without amounts of money, then the segment that is wanted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template

from services.advice.brief import Brief, Fact
from services.advice.claims import proposed
from services.advice.outline import SegmentPlan
from services.advice.phrasebook import phrasebook
from services.advice.pointers import POINTER

# The model server caches prompts by blocks of 128 tokens: what all segments share comes first.
_MAIN_FACTS = (
    "client_class", "capacity_score", "tolerance_score", "horizon_years", "portfolio_risk_level", "expected_return_net",
    "volatility", "current_volatility", "bad_year_loss_share", "cost_share", "turnover",
)  # fmt: skip
_MAX_HOLDINGS = 5
# Enough of a phrase to know what it says; all of them together would fill the model's attention.
_SHOWN_CHARACTERS = {"en": 44, "zh": 14}


@dataclass(frozen=True)
class Prompt:
    """The two messages of a request to the model."""

    system: str
    user: str

    def digest(self, grammar: str) -> str:
        """Return SHA-256 in hexadecimal of prompt and grammar."""
        return hashlib.sha256("\x00".join((self.system, self.user, grammar)).encode()).hexdigest()


def phrases_prompt(plan: SegmentPlan, brief: Brief) -> Prompt:
    """Return the prompt for choosing phrases."""
    user = _text(f"phrases_{brief.language}.txt").substitute(
        purpose=_purpose(plan, brief), options=_options(plan, brief)
    )
    return Prompt(_system(brief), user)


def free_prompt(plan: SegmentPlan, brief: Brief, targets: Sequence[str], sources: Sequence[str]) -> Prompt:
    """Return the prompt for free words; sources are shown as delimited data."""
    shown = [f"{{{{c:{p.handle}}}}} <<<{p.text}>>>" for p in brief.passages if f"{{{{c:{p.handle}}}}}" in sources]
    user = _text(f"free_{brief.language}.txt").substitute(
        purpose=_purpose(plan, brief), targets="\n".join(targets), sources="\n".join(shown) or "-"
    )
    return Prompt(_system(brief), user)


def answer_prompt(question: str, candidates: Sequence[str], language: str) -> Prompt:
    """Return the prompt for choosing the sentences that answer a question."""
    listed = "\n".join(f"- {POINTER.sub('', text).strip()}" for text in candidates)
    user = _text(f"answer_{language}.txt").substitute(question=" ".join(question.split()), candidates=listed)
    return Prompt(_text(f"answer_system_{language}.txt").substitute(), user)


@cache
def prompts_digest() -> str:
    """Return SHA-256 in hexadecimal of every prompt file, in the order of their names."""
    digest = hashlib.sha256()
    for entry in sorted((files("services.advice") / "prompts").iterdir(), key=lambda entry: entry.name):
        digest.update(entry.name.encode() + b"\x00" + entry.read_bytes() + b"\x00")
    return digest.hexdigest()


@cache
def _text(name: str) -> Template:
    return Template((files("services.advice") / "prompts" / name).read_text(encoding="utf-8").strip())


def _system(brief: Brief) -> str:
    goals = phrasebook(brief.language).goals
    facts = [_line(brief.fact[name], brief) for name in _MAIN_FACTS if name in brief.fact]
    held = [(product, brief.fact.get(brief.fact_id("weight", product.id))) for product in proposed(brief)]
    held_lines = [
        f"- {p.name.of(brief.language)}: {f.rendered.of(brief.language)}" for p, f in held[:_MAX_HOLDINGS] if f
    ]
    return _text(f"system_{brief.language}.txt").substitute(
        goal=goals.get(brief.goal, goals[""]), facts="\n".join([*facts, *held_lines])
    )


def _line(fact: Fact, brief: Brief) -> str:
    return f"- {fact.label.of(brief.language)}: {fact.rendered.of(brief.language)}"


def _purpose(plan: SegmentPlan, brief: Brief) -> str:
    lines = _text(f"purposes_{brief.language}.txt").template.splitlines()
    purposes = dict(line.split(": ", 1) for line in lines)
    product = brief.product.get(plan.subject)
    return purposes[plan.kind] + (f" {product.name.of(brief.language)}" if product else "")


def _options(plan: SegmentPlan, brief: Brief) -> str:
    length = _SHOWN_CHARACTERS[brief.language]
    shown = []
    for slot in plan.slots:
        if len(slot.phrases) > 1:
            shown += [f"- {_shortened(phrase, length)}" for phrase in slot.phrases] + [""]
    return "\n".join(shown).strip()


def _shortened(phrase: str, length: int) -> str:
    bare = re.sub(r"\s+", " ", POINTER.sub("…", phrase))
    return bare if len(bare) <= length else bare[:length].rstrip() + "…"
