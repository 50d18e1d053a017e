from __future__ import annotations

import errno
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from services.retrieval.import_process import NO_ROOM, UNAVAILABLE, ImportFailed, events_of
from services.retrieval.ingest import job
from services.retrieval.ingest.imported import Defaults
from services.retrieval.ingest.merge import Mode
from services.retrieval.ingest.plan import Plan
from services.retrieval.locked import IMPORT_LOCK, locked
from services.retrieval.on_disk import kept_documents
from services.retrieval.upload import Upload
from shared.errors import CapacityExceeded, NotReady
from shared.snapshots import activate, active_digest
from tests.unit.retrieval.samples import ENCODERS, GUIDE, VTI, builder, by_character

PLAN = Plan("notes", Mode.REPLACE, activate=True, defaults=Defaults("desk", "CC0", collection="notes"))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder whose active snapshot has a document of the knowledge base and one of notes."""
    monkeypatch.setattr(job, "find_encoders", lambda names: ENCODERS)
    monkeypatch.setattr(job, "JiebaSegmenter", lambda: by_character)
    monkeypatch.setattr(job, "configure_logs", lambda service, level: None)
    root = tmp_path / "index"
    activate(root, builder(root).build([VTI, replace(GUIDE, id="memo-pdf", collection="notes")]))
    return root


def run(root: Path, **files: str) -> int:
    """Import files, each under its name with the last "_" for "."."""
    folder, plan = root.parent / "files", root.parent / "plan"
    folder.mkdir()
    for name, content in files.items():
        (folder / ".".join(name.rsplit("_", 1))).write_text(content)
    plan.write_text(PLAN.to_json())
    return job.main([str(folder), str(root), str(plan)])


def active_ids(root: Path) -> list[str]:
    return [document.id for document in kept_documents(root / str(active_digest(root)))]


def test_the_document_of_a_rejected_file_stays_when_its_collection_is_replaced(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(root, memo_pdf="no PDF", new_md="# New\n\nGold.")

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (rejected,) = [event for event in events if event["event"] == "rejected"]
    assert status == 0
    assert active_ids(root) == ["VTI-factsheet-en", "memo-pdf", "new-md"]
    assert rejected["path"] == "memo.pdf"
    assert rejected["description"].endswith("; the document memo-pdf stays as it was")
    assert {"added": 1, "deleted": 0, "rejected": 1}.items() <= events[-1].items()


def test_a_document_that_was_not_sent_goes_when_its_collection_is_replaced(root: Path) -> None:
    status = run(root, new_md="# New\n\nGold.")

    assert status == 0
    assert active_ids(root) == ["VTI-factsheet-en", "new-md"]


def test_a_full_disk_ends_an_import_with_a_status_of_its_own_and_changes_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(root))

    before = active_digest(root)
    monkeypatch.setattr("services.retrieval.snapshot_folder.file_digests", fail)

    status = run(root, new_md="# New\n\nGold.")

    reason = "the index cannot be written (No space left on device); free space or correct its access\n"
    assert status == NO_ROOM
    assert capsys.readouterr().err == reason
    assert active_digest(root) == before


def test_an_import_that_could_not_take_over_what_is_there_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = active_digest(root)
    (root / str(before) / "documents.jsonl").write_text("")

    status = run(root, new_md="# New\n\nGold.")

    assert status == 2
    assert "cannot be taken over: the documents of index" in capsys.readouterr().err
    assert active_digest(root) == before


@pytest.mark.parametrize(
    ("status", "kind", "is_refused"),
    [
        (1, ImportFailed, False),
        (2, ImportFailed, True),
        (UNAVAILABLE, NotReady, None),
        (NO_ROOM, CapacityExceeded, None),
    ],
)
async def test_the_exit_status_of_the_process_says_who_can_mend_it(
    status: int, kind: type[Exception], is_refused: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho the reason >&2\nexit {status}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))

    with locked(tmp_path / IMPORT_LOCK) as lock:
        assert lock is not None
        with pytest.raises(kind, match="the reason") as caught:
            await anext(events_of(Upload(tmp_path), tmp_path, lock))

    assert getattr(caught.value, "refused", None) is is_refused
