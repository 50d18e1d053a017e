from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.retrieval.ingest.publish import publish
from services.retrieval.vector_store import FolderStore
from shared.errors import UpstreamUnavailable
from shared.snapshots import activate, active_digest, snapshot_folders
from tests.unit.retrieval.samples import CSI300, GUIDE, VTI, builder


class Forgetful(FolderStore):
    """A store that tells what it was to drop, and may go away before it has."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.is_away = is_away
        self.dropped: list[str] = []

    def drop(self, snapshot_id: str) -> None:
        if self.is_away:
            raise UpstreamUnavailable("qdrant", "gone")
        self.dropped.append(snapshot_id)


@pytest.fixture
def digests(tmp_path: Path) -> list[str]:
    """Return the ids of three snapshots, the oldest first."""
    found = [builder(tmp_path).build([document]) for document in (CSI300, VTI, GUIDE)]
    for number, digest in enumerate(found):
        (tmp_path / digest / "created").write_text(datetime(2026, 11, 1 + number, tzinfo=UTC).isoformat())
    return found


def left(root: Path) -> set[str]:
    return {folder.name for folder in snapshot_folders(root)}


def test_the_published_snapshot_is_active_and_the_newest_others_stay(tmp_path: Path, digests: list[str]) -> None:
    oldest, middle, newest = digests
    store = Forgetful()

    publish(tmp_path, newest, store, 1, is_activated=True)

    assert active_digest(tmp_path) == newest
    assert left(tmp_path) == {middle, newest}
    assert store.dropped == [oldest]


def test_a_snapshot_that_is_not_to_be_active_stays_beside_the_active_one(tmp_path: Path, digests: list[str]) -> None:
    oldest, middle, _ = digests
    activate(tmp_path, oldest)

    publish(tmp_path, middle, FolderStore(), 0, is_activated=False)

    assert active_digest(tmp_path) == oldest
    assert left(tmp_path) == {oldest, middle}


def test_a_store_that_went_away_stops_nothing_and_is_logged(
    tmp_path: Path, digests: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    publish(tmp_path, digests[2], Forgetful(is_away=True), 0, is_activated=True)

    assert left(tmp_path) == {digests[2]}
    assert [record.message for record in caplog.records] == ["vectors not dropped"] * 2


def test_all_of_a_snapshot_is_on_the_disk_before_the_pointer_names_it(
    tmp_path: Path, digests: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    active_when_synced: dict[int, str | None] = {}
    monkeypatch.setattr(
        os, "fsync", lambda file: active_when_synced.setdefault(os.fstat(file).st_ino, active_digest(tmp_path))
    )
    folder = tmp_path / digests[2]

    publish(tmp_path, folder.name, FolderStore(), 9, is_activated=True)

    written = (tmp_path, folder, *folder.rglob("*"))
    assert [active_when_synced[path.stat().st_ino] for path in written] == [None] * len(written)
