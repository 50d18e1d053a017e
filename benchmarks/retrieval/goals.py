"""The goals that the search is held to, each with what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.retrieval.metrics import Estimate, share
from benchmarks.retrieval.questions import Question
from benchmarks.retrieval.scores import RECALL_5, Scores
from benchmarks.retrieval.systems import OURS, Ranking
from benchmarks.retrieval.tables import interval

_RECALL_5 = 0.92
_CROSS_RECALL_5 = 0.85
_SILENT = 0.95
_ANSWERED = 0.92


def goal_lines(questions: Sequence[Question], ours: Ranking, scores: Scores, threshold: float) -> Iterator[str]:
    """Yield a line for each goal of a set, with the 95 % interval."""
    single, fused = scores.best(("BM25", "dense")), scores.best(("RRF",))
    yield _line(f"nDCG@10 above the best single method ({single})", scores.lead(single), 0.0)
    yield _line(f"nDCG@10 above equal-weight fusion ({fused})", scores.lead(fused), 0.0)
    if all(one.relevant for one in questions):
        return
    yield _line(f"recall@5 at least {_RECALL_5}", scores.mean(OURS, RECALL_5), _RECALL_5)
    cross = scores.part(kind="cross")
    if cross.questions:
        yield _line(f"cross-lingual recall@5 at least {_CROSS_RECALL_5}", cross.mean(OURS, RECALL_5), _CROSS_RECALL_5)
    silent, answered = abstention(questions, ours, threshold)
    yield _line(f"unanswerable questions that return nothing, at least {_SILENT}", silent, _SILENT)
    yield _line(f"answerable questions that return something, at least {_ANSWERED}", answered, _ANSWERED)


def abstention(questions: Sequence[Question], ours: Ranking, threshold: float) -> tuple[Estimate, Estimate]:
    """Return the share of unanswerable questions left without a result and of answerable ones with one."""
    returned = [best >= threshold for best in ours.best_relevance]
    silent = [not some for one, some in zip(questions, returned, strict=True) if not one.relevant]
    answered = [some for one, some in zip(questions, returned, strict=True) if one.relevant]
    return share(sum(silent), len(silent)), share(sum(answered), len(answered))


def _line(goal: str, found: Estimate, least: float) -> str:
    if found.low > least:
        verdict = "met"
    elif found.mean >= least:
        verdict = "met in the mean, not by the whole interval"
    else:
        verdict = "not met"
    return f"{goal}: {interval(found)}: {verdict}"
