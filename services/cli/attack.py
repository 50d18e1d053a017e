"""Two live attacks on a finished proposal: a poisoned factsheet, and a product that does not suit.

Both are made through the same calls that any client application has.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from fiducia.advisor.v1 import advisor_service_pb2, client_pb2, product_pb2, proposal_pb2
from fiducia.retrieval.v1 import passage_pb2, retrieval_service_pb2, retrieval_service_pb2_grpc
from rich.console import RenderableType
from rich.text import Text

from services.cli.build import Workshop, run_builders
from services.cli.child import Command
from services.cli.connect import CALL_SECONDS, Advisor, calls_to
from services.cli.poison import compare, poison_sentences, write_overlay
from services.cli.show_attacks import show_poison, show_refusal
from services.cli.terminal import Update
from services.cli.unsuitable import insisting, unsuitable_wish
from services.cli.watch import make_proposal
from shared.client import connect

_PAGE = 200
_MOST_PASSAGES = 50
_POISON = "poison"


@dataclass(frozen=True)
class Poisoning:
    """A text index with a poisoned factsheet of this product in it, beside the active one."""

    product_id: str
    snapshot: str


@dataclass(frozen=True)
class Report:
    """What an attack showed, and whether the defence held."""

    shown: RenderableType
    held: bool


async def poisoned_index(shop: Workshop, product_id: str, update: Update) -> Poisoning:
    """Build the text index once more with the product's factsheet poisoned, without making it the active one."""
    folder = Path(tempfile.mkdtemp(prefix="fiducia-poison-"))
    try:
        write_overlay(shop.kb, product_id, folder)
        arguments = ("-m", "services.retrieval.ingest", str(shop.kb), str(shop.data_dir / "index"))
        command = Command(_POISON, (*arguments, "--overlay", str(folder), "--no-activate"), shop.environment)
        reports = await run_builders({_POISON: command}, shop.log_folder, update)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Poisoning(product_id, str(reports[_POISON]["digest"]))


async def flagged_passages(retrieval: str, poisoning: Poisoning) -> frozenset[str]:
    """Return the ids of the passages on the product that the import marked as instruction-like."""
    request = retrieval_service_pb2.SearchPassagesRequest(
        query=" ".join(poison_sentences(poisoning.product_id, "en")),
        limit=_MOST_PASSAGES,
        filter=retrieval_service_pb2.PassageFilter(product_ids=[poisoning.product_id]),
        index_snapshot=poisoning.snapshot,
    )
    async with connect(retrieval) as channel:
        stub = retrieval_service_pb2_grpc.RetrievalServiceStub(channel)
        with calls_to(f"retrieval at {retrieval}"):
            found = await stub.SearchPassages(request, timeout=CALL_SECONDS)
    flag = passage_pb2.PASSAGE_FLAG_INSTRUCTION_LIKE
    return frozenset(result.passage.id for result in found.results if flag in result.passage.flags)


async def run_poison_attack(
    stub: Advisor, clean: proposal_pb2.Proposal, poisoning: Poisoning, flagged: frozenset[str], update: Update
) -> Report:
    """Make the same proposal over the poisoned index, and compare; flagged: passages that the import marked."""
    situation = _copy(clean.situation, "attack: poisoned factsheet")
    poisoned = await _whole_proposal(stub, situation, update, poisoning.snapshot)
    comparison = compare(clean, poisoned, flagged)
    sentences = poison_sentences(poisoning.product_id, clean.situation.language or "en")
    return Report(show_poison(comparison, len(flagged), sentences), comparison.is_harmless)


async def run_suitability_attack(stub: Advisor, clean: proposal_pb2.Proposal, update: Update) -> Report:
    """Ask for a product that this client may not hold, and see it refused."""
    products = await _all_products(stub)
    wish = unsuitable_wish(products, clean.situation.jurisdiction, clean.profile)
    if wish is None:
        return Report(Text("Skipped: every product of the catalogue suits this client."), held=True)
    situation = insisting(clean.situation, wish.product.id, "attack: unsuitable product")
    refused = await _whole_proposal(stub, situation, update)
    is_blocked = refused.state == proposal_pb2.PROPOSAL_STATE_BLOCKED
    return Report(show_refusal(wish, refused, clean.situation.language), is_blocked)


async def _whole_proposal(
    stub: Advisor, situation: client_pb2.ClientSituation, update: Update, index_snapshot: str = ""
) -> proposal_pb2.Proposal:
    written = 0
    async for event in make_proposal(stub, situation, index_snapshot):
        if event.HasField("segment_verified"):
            written += 1
            update(f"writing the attacked proposal: {written} pieces of text verified")
        if event.HasField("completed"):
            return event.completed
    raise AssertionError("a stream of events ends with the completed one or an error")


async def _all_products(stub: Advisor) -> list[product_pb2.Product]:
    products: list[product_pb2.Product] = []
    token = ""
    while True:
        request = advisor_service_pb2.ListProductsRequest(page_size=_PAGE, page_token=token)
        page = await stub.ListProducts(request, timeout=CALL_SECONDS)
        products += page.products
        token = page.next_page_token
        if not token:
            return products


def _copy(situation: client_pb2.ClientSituation, reference: str) -> client_pb2.ClientSituation:
    copied = client_pb2.ClientSituation()
    copied.CopyFrom(situation)
    copied.reference = reference
    return copied
