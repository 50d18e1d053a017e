"""`fiducia optimize` with few positions, against a real optimizer process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli.command import fiducia
from tests.integration.orchestrator.processes import ROOT, process, run

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXAMPLE = ROOT / "examples" / "optimizer" / "optimize.yaml"


async def test_the_choice_its_proof_and_what_one_more_is_worth_are_told(tmp_path: Path) -> None:
    text = EXAMPLE.read_text()
    for old, new in (
        ("    max_volatility: 0.10\n", "    positions: {max_positions: 4, min_position: 0.05}\n"),
        ("resamples: 40 ", "resamples: 0 "),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    (tmp_path / "few.yaml").write_text(text)
    await run("services.optimizer.ingest", str(ROOT / "kb"), str(tmp_path / "market"))

    async with process("optimizer", tmp_path, optimizer_workers="1") as optimizer:
        await optimizer.until_serving()
        arguments = ("optimize", str(tmp_path / "few.yaml"), "--address", optimizer.address)
        done = await fiducia(*arguments, home=tmp_path)

    assert (done.status, done.err) == (0, "")
    said = " ".join(done.out.split())
    assert "This choice of positions is proven best." in said
    assert "number of positions at most 4" in said
    assert "one position more adds" in said
