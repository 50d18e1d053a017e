"""Answers of the retrieval service in words and tables."""

from __future__ import annotations

import io

import pytest
from fiducia.retrieval.v1 import import_pb2, passage_pb2
from fiducia.retrieval.v1 import retrieval_service_pb2 as pb
from google.type.date_pb2 import Date
from rich.console import Console

from services.cli.build_words import report_words
from services.cli.retrieval_documents import Listing, show_documents, show_ruling
from services.cli.retrieval_files import LeftOut
from services.cli.retrieval_outcome import Told, as_object, show_outcome
from services.cli.retrieval_output import printable
from services.cli.retrieval_progress import telling
from services.cli.retrieval_search import show_search
from services.cli.retrieval_snapshots import show_snapshots
from tests.unit.cli.screen import flat, shown

PASSAGE = passage_pb2.Passage(
    id="bnd-factsheet#0f53-1",
    title="Total Bond",
    heading="Risks > Rates",
    text="BND falls when rates rise.",
    language="en",
    kind=passage_pb2.DOCUMENT_KIND_FACTSHEET,
    product_id="BND",
    page=3,
    source="Trust Co",
    trust=passage_pb2.TRUST_LEVEL_ISSUER,
    effective_date=Date(year=2026, month=1, day=2),
    expiry_date=Date(year=2027, month=1, day=2),
)


def found(*passages: passage_pb2.Passage, relevance: float = 0.873) -> pb.SearchPassagesResponse:
    results = [pb.ScoredPassage(passage=passage, relevance=relevance) for passage in passages]
    return pb.SearchPassagesResponse(results=results, index_snapshot="ab" * 32)


def coloured(response: pb.SearchPassagesResponse) -> str:
    console = Console(width=100, force_terminal=True, color_system="standard", highlight=False)
    with console.capture() as capture:
        console.print(show_search(response))
    return capture.get()


def stage(which: import_pb2.ImportStage.ValueType, done: int, total: int = 0) -> import_pb2.ImportProgress:
    return import_pb2.ImportProgress(stage=which, done=done, total=total)


def told(**counts: int | bool) -> Told:
    return Told(import_pb2.ImportOutcome(index_snapshot="cd" * 32, **counts), [], [])  # type: ignore[arg-type]


def test_a_passage_is_shown_with_its_rank_relevance_place_and_origin() -> None:
    lines = [line.rstrip() for line in shown(show_search(found(PASSAGE))).splitlines()]

    assert lines == [
        " 1. 0.87  Total Bond > Risks > Rates",
        "    Trust Co, issuer, factsheet of BND (en), in force from 2026-01-02, expires 2027-01-02, page 3",
        "    BND falls when rates rise.",
        "    bnd-factsheet#0f53-1",
        "",
        "1 passage, index abababababab.",
    ]


def test_the_product_that_a_passage_is_about_stands_out_in_its_words() -> None:
    assert "\x1b[1;36mBND\x1b[0m falls" in coloured(found(PASSAGE))


def test_a_passage_without_dates_and_page_says_nothing_of_them() -> None:
    bare = passage_pb2.Passage(title="Guide", text="Words.", language="en", source="Desk")

    text = flat(show_search(found(bare)))

    assert "Guide Desk, external, document (en) Words." in text


def test_a_flagged_passage_says_so() -> None:
    flagged = passage_pb2.Passage(title="Note", flags=[passage_pb2.PASSAGE_FLAG_INSTRUCTION_LIKE])

    assert "reads like an instruction to a model; it is never cited" in flat(show_search(found(flagged)))


def test_words_of_a_document_cannot_steer_the_terminal() -> None:
    hostile = passage_pb2.Passage(title="a\x1b[2Jb", text="c\x1b]0;d\x07\u202ee", source="f\x9b1m")

    assert not set(shown(show_search(found(hostile)))) & set("\x1b\x07\x9b\u202e")
    assert printable("two\nlines\tand a tab") == "two\nlines\tand a tab"


def test_nothing_relevant_tells_the_best_relevance_and_how_to_see_it() -> None:
    response = pb.SearchPassagesResponse(nothing_found=pb.NOTHING_FOUND_NONE_RELEVANT, best_relevance=0.124)

    text = flat(show_search(response))

    assert text.startswith("Nothing relevant")
    assert "The nearest passage has relevance 0.12. Add --all" in text


def test_nothing_eligible_is_no_matter_of_relevance() -> None:
    text = flat(show_search(pb.SearchPassagesResponse(nothing_found=pb.NOTHING_FOUND_NONE_ELIGIBLE)))

    assert text.startswith("Nothing can be found")
    assert "--as-of" in text
    assert "--all" not in text


def test_the_active_snapshot_is_marked() -> None:
    snapshots = [pb.IndexSnapshot(id=letter * 64, active=letter == "b", passage_count=12_345) for letter in "ab"]
    snapshots[1].encoders.add(name="multilingual", languages=["en", "zh"])

    lines = shown(show_snapshots(snapshots)).splitlines()

    assert ["active" in line for line in lines] == [False, False, True]
    assert lines[2].split()[-2:] == ["multilingual", "(en+zh)"]
    assert "12,345" in lines[1]


def test_a_document_in_quarantine_tells_why() -> None:
    document = pb.IndexedDocument(
        id="memo-md", title="Memo", flagged_passage_count=1, passage_count=2, quarantine_reason="withdrawn"
    )

    text = flat(show_documents([document], Listing()))

    assert "1 flagged: reads like an instruction in quarantine: withdrawn" in text
    assert text.endswith("1 document, 2 passages.")
    nothing = flat(show_documents([], Listing(collection="notes", quarantined=True)))
    assert nothing == "There is no document in quarantine in the collection notes."


def test_a_ruling_tells_what_holds_now() -> None:
    withdrawn = pb.QuarantineDocumentResponse(document_id="memo-md", quarantined=True, passage_count=1)
    released = pb.QuarantineDocumentResponse(document_id="memo-md", passage_count=2)

    expected = "memo-md is in quarantine: 1 passage of the active index; searches return none of it from now on."
    assert flat(show_ruling(withdrawn)) == expected
    assert flat(show_ruling(released)).startswith("memo-md may be found again: 2 passages")


def test_rejected_files_are_listed_once_with_all_that_is_wrong() -> None:
    rejected = [
        import_pb2.RejectedDocument(path="a.md", field="licence", description="missing"),
        import_pb2.RejectedDocument(path="a.md", field="source", description="missing"),
        import_pb2.RejectedDocument(path="b.pdf", description="is no PDF"),
    ]
    came = Told(
        told(active=True, added_count=3, rejected_count=2).outcome,
        rejected,
        [LeftOut("c.md", "is a link", is_fault=False)],
    )

    text = shown(show_outcome(came))

    assert text.count("a.md") == 1
    assert "For all documents at once: --source and --licence." in text
    assert ["Rejected", "files", "2"] in [line.split() for line in text.splitlines()]
    assert "c.md" in text
    assert "It is the active one now" in text


def test_what_an_outcome_leaves_to_do_is_told() -> None:
    missing = import_pb2.RejectedDocument(path="old-md", field="delete_document_ids", description="no such document")

    text = flat(show_outcome(Told(told(flagged_passage_count=1, deleted_count=1).outcome, [missing], [])))

    assert "`fiducia index activate cdcdcdcdcdcd` makes it so" in text
    assert "1 passage flagged: like an instruction" in text
    assert "old-md --delete: no such document" in text
    assert "Rejected files 0" in text


def test_an_import_is_whole_unless_a_document_did_not_go_in() -> None:
    outcome = told().outcome

    assert Told(outcome, [], [LeftOut("l.md", "is a link", is_fault=False)]).is_whole
    assert not Told(outcome, [], [LeftOut("l.md", "not readable", is_fault=True)]).is_whole
    assert not Told(outcome, [import_pb2.RejectedDocument(path="a.md")], []).is_whole


def test_json_states_every_count() -> None:
    came = as_object(Told(told().outcome, [], [LeftOut("l.md", "is a link", is_fault=False)]))

    assert came["outcome"]["addedCount"] == 0
    assert came["rejected"] == []
    assert came["leftOut"] == [{"path": "l.md", "description": "is a link"}]


def test_each_stage_has_a_bar_of_its_own_that_ends_full() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, color_system=None)

    with telling(console, files=2) as tell:
        tell(stage(import_pb2.IMPORT_STAGE_RECEIVING, 1))
        tell(stage(import_pb2.IMPORT_STAGE_READING, 1, 2))
        tell(stage(import_pb2.IMPORT_STAGE_EMBEDDING, 0, 0))  # All vectors are there already.
        tell(stage(import_pb2.IMPORT_STAGE_EMBEDDING, 3, 5))
        tell(stage(import_pb2.IMPORT_STAGE_EMBEDDING, 0, 7))  # The next encoder.
        tell(stage(import_pb2.IMPORT_STAGE_WRITING, 0, 9))

    ends = [line.split()[-2] for line in screen.getvalue().splitlines()[-6:-1]]
    assert ends == ["2/2", "2/2", "5/5", "7/7", "9/9"]


def test_without_a_terminal_progress_is_lines() -> None:
    screen = io.StringIO()

    with telling(Console(file=screen, width=100), files=1) as tell:
        tell(stage(import_pb2.IMPORT_STAGE_READING, 1, 1))

    assert screen.getvalue() == "… importing 1 file\n"


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ({}, "started"),
        ({"event": "read", "documents": 4}, "read"),
        ({"event": "market", "detail": "estimating"}, "estimating"),
        ({"event": "chunked", "documents": 4, "passages": 2133}, "cut into 2,133 passages"),
        ({"event": "embedding", "encoder": "e", "passages": 2133, "reused": 0}, "embedding 0 of 2,133 (e)"),
        ({"event": "embedded", "encoder": "e", "done": 64, "of": 2133}, "embedding 64 of 2,133 (e)"),
        ({"event": "writing", "passages": 2133}, "writing 2,133 passages"),
    ],
)
def test_a_builder_tells_what_it_does(report: dict[str, object], words: str) -> None:
    assert report_words(report) == words
