"""The real four services as processes of their own, over a part of the knowledge base; no model server."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.integration.orchestrator.kit import KB
from tests.integration.orchestrator.processes import Process, process, run

# Enough for a portfolio and its sources in both countries, and few enough to embed in seconds.
PRODUCTS = {
    "us": "BIL SHV BSV BND VTI VTV VEA VWO TIP QQQ GLD",
    "cn": "511880 511990 511360 511010 511260 511030 510300 518880",
}
GUIDES = {
    "en": "diversification duration fees-and-costs rebalancing a-bad-year money-market-funds",
    "zh": "diversification duration costs rebalancing bad-years money-market-funds",
}


@asynccontextmanager
async def real_orchestrator(folder: Path) -> AsyncIterator[Process]:
    """Ingest a part of the knowledge base into `folder`, start the four services over it, yield the orchestrator."""
    await _ingest(_part_of_kb(folder / "kb"), folder)
    async with AsyncExitStack() as stack:
        names = ("retrieval", "optimizer", "advice")
        behind = [await stack.enter_async_context(process(name, folder)) for name in names]
        for one in behind:
            await one.until_serving()
        addresses = {f"{name}_address": one.address for name, one in zip(names, behind, strict=True)}
        front = await stack.enter_async_context(process("orchestrator", folder, **addresses))
        await front.until_serving()
        yield front


def _part_of_kb(kb: Path) -> Path:
    shutil.copytree(KB, kb, ignore=shutil.ignore_patterns("products", "guides", "asked"))
    for place, names in PRODUCTS.items():
        _copied(kb, f"products/{place}", names, "yaml")
    for language, names in GUIDES.items():
        _copied(kb, f"guides/{language}", names, "md")
        _copied(kb, "asked", " ".join(f"{language}-{name}" for name in names.split()), "yaml")
    return kb


async def _ingest(kb: Path, folder: Path) -> None:
    await run("services.orchestrator.catalogue", str(kb), str(folder / "catalogue"))
    await run("services.optimizer.ingest", str(kb), str(folder / "market"))
    await run("services.retrieval.ingest", str(kb), str(folder / "index"))


def _copied(kb: Path, place: str, names: str, ending: str) -> None:
    (kb / place).mkdir(parents=True, exist_ok=True)
    for name in names.split():
        shutil.copy(KB / place / f"{name}.{ending}", kb / place)
