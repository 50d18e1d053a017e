"""Plants ten different errors into copies of a proposal's text, to prove that the audit sees each."""

from __future__ import annotations

from collections.abc import Callable

from fiducia.advice.v1.segment_pb2 import Segment
from fiducia.advisor.v1.proposal_pb2 import Proposal


def planted_errors(proposal: Proposal) -> list[tuple[str, Proposal]]:
    """Return ten copies of the proposal, each with one error, and what the error is."""
    return [(name, _with(proposal, change)) for name, change in _ERRORS.items()]


def _with(proposal: Proposal, change: Callable[[Segment], None]) -> Proposal:
    copy = Proposal()
    copy.CopyFrom(proposal)
    change(next(s for s in copy.segments if any(b.WhichOneof("target") == "fact_id" for b in s.bindings)))
    return copy


def _append(words: str, language: str = "") -> Callable[[Segment], None]:
    def change(segment: Segment) -> None:
        segment.text += words
        segment.language = language or segment.language

    return change


def _change_a_digit(segment: Segment) -> None:
    for binding in segment.bindings:
        for i in range(binding.span.start, binding.span.end):
            if binding.WhichOneof("target") == "fact_id" and segment.text[i].isascii() and segment.text[i].isdigit():
                other = str((int(segment.text[i]) + 1) % 10)
                segment.text = segment.text[:i] + other + segment.text[i + 1 :]
                return
    raise ValueError("the segment shows no digit to change")


def _rename_the_fact(segment: Segment) -> None:
    next(b for b in segment.bindings if b.WhichOneof("target") == "fact_id").fact_id = "no_such_fact"


_ERRORS: dict[str, Callable[[Segment], None]] = {
    "a digit of a bound number changed": _change_a_digit,
    "a bound number of an unknown fact": _rename_the_fact,
    "a percentage in free words": _append(" It returns 7% a year."),
    "full-width digits": _append(" 收益约８％。"),
    "an English number word": _append(" It can fall by thirty on bad days."),
    "an English fraction": _append(" A third of it is in bonds."),
    "a doubling": _append(" It may double in time."),
    "a Chinese share": _append("其中三成为债券。", "zh"),
    "a Chinese percentage": _append("预计上涨百分之五。", "zh"),
    "a Chinese doubling": _append("长期可以翻倍。", "zh"),
}
