"""CPU time of a search against that of its parts called directly: `python -m benchmarks.retrieval.speed`.

Asks our test questions on the knowledge base, one after the other, by one thread. The floor is the encoders that a
question needs, plus raw FAISS and raw bm25s over the same passages, both to 200 results; word search counts with
cutting the question into words. The search held against it fuses meaning and words without reranking, which is printed
apart. The RPC is a real one over loopback with server and client in this process, so that the CPU time of both counts.
Every figure is milliseconds of CPU for one question, the best of the rounds.
"""

from __future__ import annotations

import os

# Before a library reads them.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from benchmarks.retrieval.sets import open_all, own_set
from benchmarks.retrieval.speed_served import rpc_times
from benchmarks.retrieval.speed_stages import Stages, best_of
from services.retrieval.encoders.chosen import find_encoders
from services.retrieval.query_cache import QueryCache
from services.retrieval.relevance_file import relevance_for
from services.retrieval.search import Engine
from services.retrieval.serving_encoder import ServingEncoder
from services.retrieval.settings import RetrievalSettings

_GOAL = 1.3
_CACHED = 10_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the floor, the search by stage, the RPC and the cached case; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval.speed")
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    found = find_encoders(RetrievalSettings().retrieval_encoders)
    own = own_set("test", found)
    step = max(len(own.questions) // options.questions, 1)
    texts = [one.text for one in own.questions[::step]][: options.questions]
    encoders = open_all(found)
    relevance = relevance_for([one.name for one in found], None)
    plain, kept = QueryCache(0), QueryCache(_CACHED)
    reranked = Stages(own.snapshot, Engine([ServingEncoder(one, plain, 1) for one in encoders], relevance), texts)
    stages = replace(reranked, engine=replace(reranked.engine, reranks=False))
    cached = replace(
        reranked, engine=replace(reranked.engine, encoders=[ServingEncoder(one, kept, 1) for one in encoders])
    )

    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load {os.getloadavg()[0]:.1f}, {len(texts)} questions")
    with_reranking = {"reranked search": reranked.parts()["search"]}
    times = best_of(stages.parts() | with_reranking | stages.floor(), options.rounds)
    served = asyncio.run(rpc_times(stages, options.rounds))
    served_cached = asyncio.run(rpc_times(cached, options.rounds))
    _print(times, served, served_cached)
    return 0


def _print(times: dict[str, float], served: dict[str, float], cached: dict[str, float]) -> None:
    floor = times["encoders"] + times["raw FAISS"] + times["raw bm25s"]
    for name in ("encoders", "raw FAISS", "raw bm25s"):
        _line(name, times[name], floor)
    _line("floor", floor, floor)
    print()
    known = ("filters", "encoders", "words")
    for name in known:
        _line(name, times[name], floor)
    _line("vectors and features", times["candidates"] - sum(times[name] for name in known), floor)
    _line("ranking and copies", times["search"] - times["candidates"], floor)
    _line("search", times["search"], floor)
    _line("parsing and messages", times["handler"] - times["search"], floor)
    _line("search with messages", times["handler"], floor)
    print()
    _line("reranking", times["reranked search"] - times["search"], floor)
    _line("transport", served["rpc"] - served["handler"], floor)
    _line("RPC", served["rpc"], floor)
    _line("cached question, reranked: search with messages", cached["handler"], floor)
    _line("cached question, reranked: RPC", cached["rpc"], floor)
    ratio, served_ratio = times["handler"] / floor, served["rpc"] / floor
    print(f"\na search costs {ratio:.2f} times the floor (goal: {_GOAL}), with the transport {served_ratio:.2f}")


def _line(name: str, milliseconds: float, floor: float) -> None:
    print(f"{name:<50}{milliseconds:8.3f} ms{milliseconds / floor:8.2f}")


if __name__ == "__main__":
    sys.exit(main())
