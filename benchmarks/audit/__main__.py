"""Generates proposals for random clients and counts the numbers in their text that are no facts.

    python -m benchmarks.audit --address HOST:PORT [--proposals 50] [--seed 1] [--free-words] [--out FOLDER]

Needs a running orchestrator (`fiducia up`). Prints the counts, the shares of MODEL and TEMPLATE segments per language,
how far the model's choices differ between briefs, and whether ten planted errors are found. Exit status 1 if any number
is unbound or any planted error is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from fiducia.advice.v1.advice_service_pb2 import Strictness
from fiducia.advice.v1.segment_pb2 import SegmentKind, SegmentOrigin
from fiducia.advisor.v1 import advisor_service_pb2 as advisor
from fiducia.advisor.v1.advisor_service_pb2_grpc import AdvisorServiceStub
from fiducia.advisor.v1.client_pb2 import Questionnaire
from fiducia.advisor.v1.product_pb2 import Product
from fiducia.advisor.v1.proposal_pb2 import Proposal, ProposalState
from google.protobuf.json_format import MessageToJson

from benchmarks.audit.clients import random_client
from benchmarks.audit.numbers import unbound_numbers
from benchmarks.audit.planted import planted_errors

if TYPE_CHECKING:
    # Only the type stubs know it.
    from fiducia.advisor.v1.advisor_service_pb2_grpc import AdvisorServiceAsyncStub

_LANGUAGES = ("en", "zh")
# Two at a time keep the model server busy without making each caller wait for all others.
_CONCURRENT = 2
# A client whose answers contradict each other gets no text; draw again, but not for ever.
_DRAWS_PER_PROPOSAL = 6


async def _main(arguments: argparse.Namespace) -> int:
    async with grpc.aio.insecure_channel(arguments.address) as channel:
        stub: AdvisorServiceAsyncStub = AdvisorServiceStub(channel)
        questionnaire = (await stub.GetQuestionnaire(advisor.GetQuestionnaireRequest())).questionnaire
        products = list((await stub.ListProducts(advisor.ListProductsRequest(page_size=200))).products)
        proposals, states = await _generate(stub, questionnaire, products, arguments)
    for proposal in proposals:
        _write(proposal, arguments.out)
    return _report(proposals, states)


async def _generate(
    stub: AdvisorServiceAsyncStub, questionnaire: Questionnaire, products: list[Product], arguments: argparse.Namespace
) -> tuple[list[Proposal], Counter[str]]:
    rng = random.Random(arguments.seed)
    strictness = Strictness.STRICTNESS_FREE_WORDS if arguments.free_words else Strictness.STRICTNESS_UNSPECIFIED
    states: Counter[str] = Counter()
    proposals: list[Proposal] = []
    for _ in range(arguments.proposals * _DRAWS_PER_PROPOSAL // _CONCURRENT):
        wanted = min(_CONCURRENT, arguments.proposals - len(proposals))
        if not wanted:
            break
        languages = [_LANGUAGES[(len(proposals) + i) % 2] for i in range(wanted)]
        clients = [random_client(rng, language, questionnaire, products) for language in languages]
        requests = [
            advisor.CreateProposalRequest(
                request_id=str(uuid.UUID(int=rng.getrandbits(128), version=4)), situation=client, strictness=strictness
            )
            for client in clients
        ]
        for proposal in await asyncio.gather(*(_propose(stub, request) for request in requests)):
            states[ProposalState.Name(proposal.state).removeprefix("PROPOSAL_STATE_")] += 1
            if proposal.segments:
                proposals.append(proposal)
        print(f"\r{len(proposals)} of {arguments.proposals} proposals", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return proposals, states


async def _propose(stub: AdvisorServiceAsyncStub, request: advisor.CreateProposalRequest) -> Proposal:
    completed = Proposal()
    async for response in stub.StreamProposal(advisor.StreamProposalRequest(create=request)):
        if response.event.WhichOneof("event") == "completed":
            completed = response.event.completed
    return completed


def _write(proposal: Proposal, folder: Path | None) -> None:
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{proposal.id}.json").write_text(MessageToJson(proposal, ensure_ascii=False), encoding="utf-8")


def _report(proposals: list[Proposal], states: Counter[str]) -> int:
    unbound = [number for proposal in proposals for number in unbound_numbers(proposal)]
    bound = sum(b.WhichOneof("target") == "fact_id" for p in proposals for s in p.segments for b in s.bindings)
    print(f"states of all clients drawn: {dict(states)}")
    print(f"proposals with text: {len(proposals)}; segments: {sum(len(p.segments) for p in proposals)}")
    print(f"numbers bound to a fact: {bound}; numbers bound to none: {len(unbound)}")
    for number in unbound[:20]:
        print(f"  {number.proposal_id} segment {number.sequence}: {number.text!r} {number.why}")
    _print_shares(proposals)
    _print_choices(proposals)
    missed = _missed(proposals)
    print(f"planted errors found: {10 - len(missed)} of 10" + "".join(f"\n  missed: {name}" for name in missed))
    return int(bool(unbound or missed or not proposals))


def _missed(proposals: Iterable[Proposal]) -> list[str]:
    clean = next((p for p in proposals if not unbound_numbers(p)), None)
    if clean is None:
        return ["no clean proposal to plant errors in"]
    return [name for name, copy in planted_errors(clean) if not unbound_numbers(copy)]


def _print_shares(proposals: list[Proposal]) -> None:
    origins = Counter((s.language, s.origin) for p in proposals for s in p.segments)
    fixed = Counter(s.language for p in proposals for s in p.segments if s.fallback_reason == "fixed wording")
    for language in sorted({language for language, _ in origins}):
        model = origins[language, SegmentOrigin.SEGMENT_ORIGIN_MODEL]
        template = origins[language, SegmentOrigin.SEGMENT_ORIGIN_TEMPLATE]
        share = model / max(model + template, 1)
        print(f"{language}: MODEL {model} ({share:.0%}), TEMPLATE {template}, of which fixed wording {fixed[language]}")


def _print_choices(proposals: list[Proposal]) -> None:
    chosen: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for proposal in proposals:
        for segment in proposal.segments:
            if segment.origin == SegmentOrigin.SEGMENT_ORIGIN_MODEL:
                chosen[segment.language, segment.kind][segment.pointer_text] += 1
    print("different texts the model chose, of those it wrote:")
    for (language, kind), texts in sorted(chosen.items()):
        name = SegmentKind.Name(SegmentKind.ValueType(kind)).removeprefix("SEGMENT_KIND_")
        print(f"  {language} {name.lower():13} {len(texts)} of {texts.total()}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", required=True, help="HOST:PORT of the orchestrator")
    parser.add_argument("--proposals", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--free-words", action="store_true", help="let the model write free words without digits")
    parser.add_argument("--out", type=Path, help="folder for the proposals as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(_parse())))
