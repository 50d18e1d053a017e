from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from services.retrieval.loading import Loading
from services.retrieval.shelf import SnapshotShelf
from services.retrieval.snapshot_folder import load_snapshot
from shared.snapshots import activate
from tests.unit.retrieval.samples import ENCODERS, GUIDE, LIBRARY, CountingEmbedder, builder, by_character

DEADLINE_SECONDS = 10.0


def parts(root: Path) -> tuple[SnapshotShelf, Loading]:
    shelf = SnapshotShelf(root, lambda folder: load_snapshot(folder, ENCODERS, by_character), kept=2)
    return shelf, Loading(shelf, lambda: [CountingEmbedder()], poll_seconds=0.01)


async def until_active(shelf: SnapshotShelf, name: str) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while shelf.active is None or shelf.active.id != name:
            await asyncio.sleep(0.01)


async def test_without_an_index_loading_waits_and_says_what_to_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shelf, loading = parts(tmp_path)
    caplog.set_level(logging.WARNING)
    task = asyncio.create_task(loading.load())
    await asyncio.sleep(0.1)
    assert not task.done()

    digest = builder(tmp_path).build(LIBRARY)
    activate(tmp_path, digest)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await task

    assert shelf.active is not None
    assert shelf.active.id == digest
    assert loading.encoders() is not None
    assert [record.message for record in caplog.records] == ["no index to serve; run: fiducia ingest kb/"]
    await loading.close()


async def test_a_new_index_is_swapped_in_while_serving(tmp_path: Path) -> None:
    activate(tmp_path, builder(tmp_path).build([GUIDE]))
    shelf, loading = parts(tmp_path)
    await loading.load()

    second = builder(tmp_path).build(LIBRARY)
    activate(tmp_path, second)

    await until_active(shelf, second)
    await loading.close()


async def test_loading_can_be_stopped_while_it_waits_for_an_index(tmp_path: Path) -> None:
    _, loading = parts(tmp_path)
    task = asyncio.create_task(loading.load())
    await asyncio.sleep(0.05)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    await loading.close()
