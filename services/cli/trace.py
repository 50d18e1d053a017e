"""Follow one number of the text back to its roots: through the solver to a dated assumption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fiducia.advice.v1 import segment_pb2
from fiducia.type.v1 import fact_pb2


@dataclass(frozen=True)
class Step:
    """A fact on the way, and what else it was computed from."""

    fact: fact_pb2.Fact
    beside: tuple[fact_pb2.Fact, ...]


@dataclass(frozen=True)
class Trace:
    """A number in a sentence, as a stretch of the segment's text, and the way from its fact to its root."""

    segment: segment_pb2.Segment
    start: int
    end: int
    steps: tuple[Step, ...]


Path = tuple[fact_pb2.Fact, ...]


def best_trace(segments: Sequence[segment_pb2.Segment], facts: Sequence[fact_pb2.Fact]) -> Trace | None:
    """Return the number of the text with the most telling way: solver and assumption on it, then the longest.

    None when the text shows no number that is a fact.
    """
    by_id = {fact.id: fact for fact in facts}
    known: dict[str, Path] = {}
    best: tuple[Path, segment_pb2.Segment, segment_pb2.Binding] | None = None
    for segment in segments:
        for binding in segment.bindings:
            fact = by_id.get(binding.fact_id)
            if fact is None or not _is_number(fact):
                continue
            way = longest_way(fact, by_id, known)
            if best is None or _telling(way) > _telling(best[0]):
                best = way, segment, binding
    if best is None:
        return None
    way, segment, binding = best
    return Trace(segment, binding.span.start, binding.span.end, _steps(way, by_id))


def longest_way(
    fact: fact_pb2.Fact,
    by_id: Mapping[str, fact_pb2.Fact],
    known: dict[str, Path],
    seen: frozenset[str] = frozenset(),
) -> Path:
    """Return the most telling way from a fact back to a root, the fact first.

    known: ways that were found before; they are added to. A reference that is unknown or leads back ends the way.
    """
    if fact.id not in known:
        seen = seen | {fact.id}
        parents = [by_id[name] for name in fact.source.derived_from if name in by_id and name not in seen]
        ways = [longest_way(parent, by_id, known, seen) for parent in parents]
        known[fact.id] = (fact, *max(ways, key=_telling, default=()))
    return known[fact.id]


def _steps(way: Path, by_id: Mapping[str, fact_pb2.Fact]) -> tuple[Step, ...]:
    """Return each fact of the way with its parents that are not on the way."""
    following = [*(fact.id for fact in way[1:]), ""]
    return tuple(
        Step(fact, tuple(by_id[name] for name in fact.source.derived_from if name in by_id and name != ahead))
        for fact, ahead in zip(way, following, strict=True)
    )


def _telling(way: Path) -> tuple[bool, bool, int]:
    """Return how much a way shows: a solver on it, a number that is an assumption at its root, its length."""
    has_solver = any(fact.source.kind == fact_pb2.SOURCE_KIND_SOLVER for fact in way)
    root = way[-1] if way else fact_pb2.Fact()
    is_assumed = root.source.kind == fact_pb2.SOURCE_KIND_ASSUMPTION and root.HasField("quantity")
    return is_assumed, has_solver, len(way)


def _is_number(fact: fact_pb2.Fact) -> bool:
    return fact.HasField("quantity") or fact.HasField("money")
