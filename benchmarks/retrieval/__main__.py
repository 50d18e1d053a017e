"""Search quality beside word search, meaning, equal-weight fusion and three engines.

    python -m benchmarks.retrieval [--markdown] [--split test] [--no-peers] [--kb-only]

Asks our own questions, and the measured half of the public sets that are here. Means come with standard errors over
questions; differences are paired, with 95 % intervals by bootstrap.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from benchmarks.retrieval.goals import goal_lines
from benchmarks.retrieval.learn import learning_half
from benchmarks.retrieval.peers_run import NAMES as PEERS
from benchmarks.retrieval.peers_run import run_peers
from benchmarks.retrieval.questions import SPLITS, Split
from benchmarks.retrieval.scores import Scores, parts_of, scores_of
from benchmarks.retrieval.sets import PUBLIC_SETS, LabelledSet, open_all, own_set, public_set
from benchmarks.retrieval.systems import OURS, Ranking, systems_of
from benchmarks.retrieval.tables import interval, measures_table, parts_table, table
from services.retrieval.encoder import FoundEncoder
from services.retrieval.encoders.chosen import find_encoders
from services.retrieval.relevance_file import relevance_for
from services.retrieval.search import Engine
from services.retrieval.settings import RetrievalSettings

_PACKAGES = ("faiss-cpu", "bm25s", "jieba", "onnxruntime", "numpy")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables and which goals are met; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    parser.add_argument("--split", choices=SPLITS, default="test", help="of our own questions")
    parser.add_argument("--no-peers", action="store_true", help="leave the other engines out")
    parser.add_argument("--kb-only", action="store_true", help="leave the public sets out")
    options = parser.parse_args(arguments)
    found = find_encoders(RetrievalSettings().retrieval_encoders)
    engine = Engine(open_all(found), relevance_for([one.name for one in found], None))
    _print_setting([one.name for one in found])
    for labelled in _sets(options.split, found, () if options.kb_only else PUBLIC_SETS):
        systems = systems_of(labelled.snapshot)
        rankings = {name: _told(name, labelled, systems[name](labelled, engine)) for name in systems}
        if not options.no_peers:
            rankings |= run_peers(labelled, engine.encoders)
        _print_set(labelled, rankings, engine.relevance.threshold, options.markdown)
    return 0


def _sets(split: Split, found: tuple[FoundEncoder, ...], public: Iterable[str]) -> Iterator[LabelledSet]:
    """Yield our own questions and, of the public sets that are here, those questions that nothing is learned from."""
    yield own_set(split, found)
    for name in public:
        labelled = public_set(name, found)
        if labelled is None:
            print(f"{name}: not here, left out", file=sys.stderr)
        else:
            learned = {one.id for one in learning_half(labelled)}
            yield replace(labelled, questions=[one for one in labelled.questions if one.id not in learned])


def _told(name: str, labelled: LabelledSet, ranking: Ranking) -> Ranking:
    print(f"{labelled.name}: {name} done", file=sys.stderr)
    return ranking


def _print_setting(encoders: Sequence[str]) -> None:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    now = datetime.now(UTC)
    print(f"{now:%Y-%m-%d %H:%M} UTC, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, {versions}")
    print(f"encoders: {', '.join(encoders)}")


def _print_set(labelled: LabelledSet, rankings: dict[str, Ranking], threshold: float, markdown: bool) -> None:
    scores = scores_of(labelled.questions, rankings)
    parts = parts_of(scores)
    heading = "### " if markdown else ""
    passages = len(labelled.snapshot.passages)
    print(f"\n{heading}{labelled.name}: {len(scores.questions)} answerable questions, {passages} passages\n")
    for name, ranking in rankings.items():
        if ranking.how:
            print(f"{'- ' if markdown else ''}{name} {ranking.how}")
    for name, part in parts.items():
        if name in ("all", "cross") or name.startswith("asked"):
            print(f"\n{name}, {len(part.questions)} questions\n\n{table(measures_table(part), markdown)}")
    if len(parts) > 1:
        print(f"\n{table(parts_table(parts, list(rankings)), markdown)}")
    print(f"\n{table([('nDCG@10', 'of', 'ours exceeds it by'), *_leads(parts)], markdown)}\n")
    for line in goal_lines(labelled.questions, rankings[OURS], scores, threshold):
        print(f"{'- ' if markdown else ''}{line}")


def _leads(parts: dict[str, Scores]) -> Iterator[tuple[str, str, str]]:
    """Yield by how much we lead the best single method, the best fusion and the best peer."""
    for name, part in parts.items():
        rivals = [part.best(("BM25", "dense")), part.best(("RRF",))]
        rivals += [part.best(peers)] if (peers := tuple(name for name in PEERS if name in part.values)) else []
        for rival in rivals:
            yield name, rival, interval(part.lead(rival))


if __name__ == "__main__":
    sys.exit(main())
