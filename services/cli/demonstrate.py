"""The live attacks that follow a proposal: prepared while the model is awaited, run and shown behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType

from fiducia.advisor.v1 import proposal_pb2
from rich.console import Console
from rich.text import Text

from services.cli.attack import (
    Poisoning,
    Report,
    flagged_passages,
    poisoned_index,
    run_poison_attack,
    run_suitability_attack,
)
from services.cli.connect import Advisor
from services.cli.deploy import Deployment
from services.cli.errors import CliError
from services.cli.sections import print_section
from services.cli.terminal import Update, waiting

_POISON_TITLE = "Attack 1: a poisoned factsheet"
_WISH_TITLE = "Attack 2: a product that does not suit"

Attack = Callable[[proposal_pb2.Proposal, Update], Awaitable[Report]]


class Demonstration:
    """Two attacks. Use it as an async context manager: what it still builds at the end is given up."""

    def __init__(self, console: Console, deployment: Deployment, stub: Advisor, *, enabled: bool) -> None:
        self._console = console
        self._deployment = deployment
        self._stub = stub
        self._enabled = enabled
        self._poisoning: asyncio.Task[Poisoning] | None = None

    async def __aenter__(self) -> Demonstration:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._poisoning is not None:
            self._poisoning.cancel()
            await asyncio.gather(self._poisoning, return_exceptions=True)

    def prepare(self, recommendation: proposal_pb2.Recommendation) -> None:
        """Begin to build the poisoned index for a product of the portfolio, once."""
        product_id = next((line.product_id for line in recommendation.lines if not line.external), None)
        shop = self._deployment.workshop
        if self._enabled and self._poisoning is None and shop is not None and product_id is not None:
            self._poisoning = asyncio.create_task(poisoned_index(shop, product_id, lambda _: None))

    async def run(self, proposal: proposal_pb2.Proposal) -> bool:
        """Run and show both attacks, and tell whether every defence held."""
        if not self._enabled:
            return True
        poison = await self._shown(_POISON_TITLE, self._poison, proposal)
        wish = await self._shown(_WISH_TITLE, self._wish, proposal)
        return poison and wish

    async def _poison(self, proposal: proposal_pb2.Proposal, update: Update) -> Report:
        self.prepare(proposal.recommendation)
        if self._poisoning is None:
            return Report(Text("Skipped: the knowledge base of these services is not on this machine."), held=True)
        update("indexing the poisoned factsheet")
        poisoning = await self._poisoning
        update("making the same proposal over the poisoned index")
        flagged = await flagged_passages(self._deployment.addresses["retrieval"], poisoning)
        return await run_poison_attack(self._stub, proposal, poisoning, flagged, update)

    async def _wish(self, proposal: proposal_pb2.Proposal, update: Update) -> Report:
        return await run_suitability_attack(self._stub, proposal, update)

    async def _shown(self, title: str, attack: Attack, proposal: proposal_pb2.Proposal) -> bool:
        with waiting(self._console, title) as update:
            try:
                report = await attack(proposal, update)
            except CliError as error:
                report = Report(Text(f"Could not be run: {error.message}", style="red"), held=False)
        print_section(self._console, title, report.shown)
        return report.held
