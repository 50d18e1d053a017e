from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import pytest

from services.retrieval.shelf import SnapshotShelf
from services.retrieval.snapshot import Snapshot
from services.retrieval.snapshot_folder import load_snapshot
from shared.errors import NotFound, NotReady
from shared.snapshots import activate
from tests.unit.retrieval.samples import CSI300, ENCODERS, GUIDE, LIBRARY, OTHER_ENCODERS, VTI, builder, by_character


class Loader:
    """Loads snapshots and remembers which."""

    def __init__(self) -> None:
        self.loaded: list[str] = []

    def __call__(self, folder: Path) -> Snapshot:
        self.loaded.append(folder.name)
        return load_snapshot(folder, ENCODERS, by_character)


def test_nothing_is_served_before_the_first_snapshot(tmp_path: Path) -> None:
    shelf = SnapshotShelf(tmp_path, Loader(), kept=2)

    assert shelf.refresh() is False
    with pytest.raises(NotReady, match="fiducia ingest"):
        shelf.get("")


def test_the_pointer_is_followed_and_the_previous_snapshot_stays_at_hand(tmp_path: Path) -> None:
    first, second = builder(tmp_path).build([GUIDE]), builder(tmp_path).build(LIBRARY)
    loader = Loader()
    shelf = SnapshotShelf(tmp_path, loader, kept=2)

    activate(tmp_path, first)
    assert shelf.refresh() is True
    activate(tmp_path, second)
    assert shelf.refresh() is True

    assert (shelf.get("").id, shelf.get(first).id) == (second, first)
    assert loader.loaded == [first, second]


@pytest.mark.parametrize("kind", ["other model", "damaged", "unknown", "no id"])
def test_a_refused_snapshot_leaves_the_serving_one_and_is_logged_once(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = builder(tmp_path).build([GUIDE])
    encoders = OTHER_ENCODERS if kind == "other model" else ENCODERS
    bad = builder(tmp_path, encoders=encoders).build([VTI])
    if kind == "damaged":
        (tmp_path / bad / "vectors-0/vectors.npy").write_bytes(b"")
    shelf = SnapshotShelf(tmp_path, Loader(), kept=2)
    activate(tmp_path, good)
    shelf.refresh()

    activate(tmp_path, {"unknown": "0" * 64, "no id": "../etc"}.get(kind, bad))
    with caplog.at_level(logging.ERROR):
        results = [shelf.refresh() for _ in range(3)]

    assert results == [False, False, False]
    assert shelf.get("").id == good
    assert [record.message for record in caplog.records] == ["index refused"]


def test_a_repaired_snapshot_is_taken_up_when_it_is_activated_again(tmp_path: Path) -> None:
    digest = builder(tmp_path).build([GUIDE])
    (tmp_path / digest / "vectors-0/vectors.npy").write_bytes(b"")
    activate(tmp_path, digest)
    shelf = SnapshotShelf(tmp_path, Loader(), kept=2)
    assert shelf.refresh() is False

    assert builder(tmp_path).build([GUIDE]) == digest
    activate(tmp_path, digest)

    assert shelf.refresh() is True


def test_a_named_snapshot_is_loaded_once_and_the_least_used_is_dropped(tmp_path: Path) -> None:
    a, b, c = (builder(tmp_path).build([document]) for document in (GUIDE, VTI, CSI300))
    loader = Loader()
    shelf = SnapshotShelf(tmp_path, loader, kept=2)

    for name in (a, b, a, c, a, b):
        assert shelf.get(name).id == name

    assert loader.loaded == [a, b, c, b]


@pytest.mark.parametrize("name", ["0" * 64, "..", "active"])
def test_an_unknown_snapshot_is_not_found(name: str, tmp_path: Path) -> None:
    activate(tmp_path, "0" * 64)
    shelf = SnapshotShelf(tmp_path, Loader(), kept=2)

    with pytest.raises(NotFound):
        shelf.get(name)


def test_a_snapshot_of_another_model_is_not_found_with_the_reason(tmp_path: Path) -> None:
    other = builder(tmp_path, encoders=OTHER_ENCODERS).build([GUIDE])
    shelf = SnapshotShelf(tmp_path, Loader(), kept=2)

    with pytest.raises(NotFound, match="encoders other"):
        shelf.get(other)


def test_calls_that_name_the_same_snapshot_at_once_load_it_once(tmp_path: Path) -> None:
    digest = builder(tmp_path).build([GUIDE])
    loader = Loader()

    def slow(folder: Path) -> Snapshot:
        time.sleep(0.05)
        return loader(folder)

    shelf = SnapshotShelf(tmp_path, slow, kept=2)
    threads = [threading.Thread(target=shelf.get, args=(digest,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert loader.loaded == [digest]
