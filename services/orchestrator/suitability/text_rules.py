"""Rules on what the text says: disadvantages, bound numbers, promises and disclosures."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.orchestrator.suitability.draft import Draft
from services.orchestrator.suitability.finding import Finding, found
from services.orchestrator.text import Text

# Promises that no text may make. Where the words before them deny the promise ("is not guaranteed", "不保本"),
# they are no promise. The list catches plain wording only; it is a net below the writer's own checks.
_PROMISES = re.compile(
    r"(?P<promise>risk[- ]free(?! (?:interest )?rate)|guaranteed? (?:return|gain|profit|income)|"
    r"(?:return|gain|profit|income)s? (?:is|are) guaranteed|can(?:no|')?t lose|without (?:any )?risk|"
    r"保本|稳赚|包赚|无风险(?!利率)|零风险|必涨|保证收益|保证盈利)",
    re.IGNORECASE,
)
_DENIALS = re.compile(
    r"(?:\bno\b|\bnot\b|\bnever\b|n't\b|\bneither\b|\bnothing\b|\bnone\b|\bnobody\b|不|非|没有|并无|无法|未)[^.;:,。；：，]{0,24}$",
    re.IGNORECASE,
)


def disadvantages_shown(draft: Draft) -> Iterator[Finding]:
    """R16: each product that is new to the client has its own disadvantages in the text."""
    covered = {key for segment in draft.text.segments if segment.kind == "DISADVANTAGE" for key in segment.product_ids}
    for line in draft.recommendation.lines:
        is_new = draft.current.position(line.product_id) is None
        if is_new and line.product_id not in covered:
            message = Text(
                f"The text has no disadvantages of {line.product_id}, which is new to the client: add them.",
                f"文本未说明新增产品 {line.product_id} 的不利之处：请补充。",
            )
            yield found(draft.case.pack, "R16", message, line.product_id)


def numbers_bound(draft: Draft) -> Iterator[Finding]:
    """R18: every quantity in the text is a fact of this proposal."""
    for quantity in draft.text.unbound_quantities:
        message = Text(
            f'The text shows "{quantity}", which is not a fact of this proposal: write the segment again.',
            f"文本中的“{quantity}”不是本方案的事实：请重新生成该段。",
        )
        yield found(draft.case.pack, "R18", message)
    for segment in draft.text.segments:
        for fact_id in sorted(segment.fact_ids - set(draft.fact_by_id)):
            message = Text(
                f'Segment {segment.sequence} shows the unknown fact "{fact_id}": write it again.',
                f"第 {segment.sequence} 段引用了未知事实“{fact_id}”：请重新生成。",
            )
            yield found(draft.case.pack, "R18", message)


def no_promises(draft: Draft) -> Iterator[Finding]:
    """R20: no text promises a return, the principal or the absence of risk."""
    for segment in draft.text.segments:
        promise = promise_in(segment.text)
        if promise is not None:
            message = Text(
                f'Segment {segment.sequence} says "{promise}", which reads as a promise: write it again.',
                f"第 {segment.sequence} 段的“{promise}”属于承诺性表述：请重新生成。",
            )
            yield found(draft.case.pack, "R20", message)


def promise_in(text: str) -> str | None:
    """Return the first promise that the words before it do not deny, or None."""
    for match in _PROMISES.finditer(text):
        if not _DENIALS.search(text[: match.start()]):
            return match["promise"]
    return None


def results_disclosed(draft: Draft) -> Iterator[Finding]:
    """R21, R22: hypothetical and past results are dated, and the text has a disclosure for them."""
    for fact in draft.facts:
        is_past_return = fact.basis == "ACTUAL" and fact.net_of_fees is not None
        if (is_past_return or fact.basis == "HYPOTHETICAL") and fact.as_of is None:
            message = Text(
                f'The result "{fact.label.en}" has no date: state when it was true.',
                f"“{fact.label.zh}”未注明日期：请补充。",
            )
            yield found(draft.case.pack, "R21" if is_past_return else "R22", message, fact.id)
    if any(fact.basis == "HYPOTHETICAL" for fact in draft.facts) and not draft.text.has("DISCLOSURE"):
        message = Text(
            "The proposal shows hypothetical results and the text has no disclosure: add it.",
            "方案包含假设性结果，但文本没有披露说明：请补充。",
        )
        yield found(draft.case.pack, "R22", message)


def automation_disclosed(draft: Draft) -> Iterator[Finding]:
    """R23: the text says what is automated and where people decide."""
    if not draft.text.has("DISCLOSURE"):
        message = Text(
            "The text does not say what is automated and where people decide: add the disclosure.",
            "文本未说明哪些环节自动完成、哪些由人决定：请补充披露。",
        )
        yield found(draft.case.pack, "R23", message)
