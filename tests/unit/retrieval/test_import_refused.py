from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from services.retrieval.ingest.documents import FolderRead, Rejected, read_folder
from services.retrieval.ingest.imported import Defaults
from services.retrieval.ingest.meant import meant_ids
from services.retrieval.ingest.merge import Mode, merged
from services.retrieval.ingest.refused import files_refused, refusals
from services.retrieval.passage import Document
from shared.problems import Problem
from tests.unit.retrieval.samples import GUIDE

OLD = replace(GUIDE, id="old", collection="notes")
NEW = replace(GUIDE, id="new", collection="notes")
FOREIGN = replace(GUIDE, id="foreign", collection="kb")
UNREAD = Rejected((Problem("old.pdf", "", "is no PDF"),), frozenset({"old-pdf", "old"}))


def read(*documents: Document, rejected: Sequence[Rejected] = ()) -> FolderRead:
    return FolderRead(documents, {document.id: f"{document.id}.md" for document in documents}, tuple(rejected))


@pytest.mark.parametrize("sidecar", ["id: fund\na: [", 'title: x\nid: "fund"', "id:\tfund # ours", "\ufeffid: fund"])
def test_a_file_that_cannot_be_read_may_be_the_document_of_its_path_or_of_its_sidecar(
    sidecar: str, tmp_path: Path
) -> None:
    (tmp_path / "a.pdf").write_bytes(b"no PDF")
    (tmp_path / "a.pdf.yaml").write_text(sidecar)

    (rejected,) = read_folder(tmp_path, Defaults("desk", "CC0")).rejected

    assert rejected.ids == {"a-pdf", "fund"}


def test_markdown_may_be_the_document_that_its_front_matter_names(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\nid: own\nsource: [\n---\nwords")

    (rejected,) = read_folder(tmp_path, Defaults("desk", "CC0")).rejected

    assert rejected.ids == {"a-md", "own"}


def test_words_of_another_format_and_what_a_link_leads_to_name_no_document(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("id: words\n")
    (tmp_path / "outside").write_text("id: linked\n")
    (tmp_path / "a.html.yaml").symlink_to(tmp_path / "outside")

    assert meant_ids(tmp_path, tmp_path / "a.html") == {"a-html"}


def test_a_document_whose_file_cannot_be_read_stays_when_the_others_are_replaced() -> None:
    other = replace(OLD, id="other")

    after = merged([OLD, other, FOREIGN], [NEW], "notes", Mode.REPLACE, unread=UNREAD.ids)

    assert after.documents == (FOREIGN, NEW, OLD)
    assert after.deleted == {"other"}
    assert after.taken == {"new"}


def test_a_document_that_is_to_be_taken_out_goes_though_its_file_cannot_be_read() -> None:
    after = merged([OLD], [NEW], "notes", Mode.REPLACE, ["old"], UNREAD.ids)

    assert after.documents == (NEW,)
    assert after.deleted == {"old"}


def test_the_fault_of_a_file_says_that_its_document_stays() -> None:
    folder = read(NEW, rejected=[UNREAD])
    after = merged([OLD], folder.documents, "notes", Mode.REPLACE, unread=UNREAD.ids)

    faults = refusals(folder, after, "notes")

    assert list(map(str, faults)) == ["old.pdf: is no PDF; the document old stays as it was"]


@pytest.mark.parametrize("existing", [[], [replace(OLD, collection="kb")]])
def test_a_file_whose_document_was_not_in_the_collection_says_nothing_of_staying(existing: list[Document]) -> None:
    folder = read(NEW, rejected=[UNREAD])
    after = merged(existing, folder.documents, "notes", Mode.REPLACE, unread=UNREAD.ids)

    faults = refusals(folder, after, "notes")

    assert list(map(str, faults)) == ["old.pdf: is no PDF"]


def test_a_file_with_the_id_of_another_file_does_not_keep_the_earlier_version() -> None:
    double = Rejected((Problem("b.md", "id", "new is also the id of new.md"),), frozenset({"b-md", "new"}))
    folder = read(NEW, rejected=[double])
    after = merged([replace(NEW, title="Earlier")], folder.documents, "notes", Mode.MERGE, unread=double.ids)

    faults = refusals(folder, after, "notes")

    assert after.documents == (NEW,)
    assert list(map(str, faults)) == ["b.md: id: new is also the id of new.md"]


def test_an_id_of_another_collection_is_refused_and_the_document_there_stays() -> None:
    folder = read(replace(NEW, id="foreign"))
    after = merged([FOREIGN], folder.documents, "notes", Mode.MERGE)

    faults = refusals(folder, after, "notes")

    assert after.documents == (FOREIGN,)
    assert list(map(str, faults)) == [
        "foreign.md: id: foreign is also the id of a document of the collection kb; state another"
    ]


def test_ids_to_take_out_that_are_missing_or_sent_are_refused_once() -> None:
    folder = read(NEW)
    after = merged([FOREIGN], folder.documents, "notes", Mode.MERGE, ["new", "none", "foreign", "none"])

    faults = refusals(folder, after, "notes")

    assert after.documents == (FOREIGN, NEW)
    assert list(map(str, faults)) == [
        "none: delete_document_ids: the collection notes holds no such document; list the documents",
        "foreign: delete_document_ids: the collection notes holds no such document; list the documents",
        "new: delete_document_ids: is sent at the same time and stays; do either",
    ]


def test_files_are_counted_and_neither_their_faults_nor_ids_to_take_out() -> None:
    twice = Rejected((Problem("a.md", "source", "missing"), Problem("a.md", "licence", "missing")))
    folder = read(replace(NEW, id="foreign"), rejected=[twice])
    after = merged([FOREIGN], folder.documents, "notes", Mode.MERGE, ["none"])

    assert files_refused(folder, after) == 2
    assert len(refusals(folder, after, "notes")) == 4
