from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from fiducia.retrieval.v1 import passage_pb2
from fiducia.retrieval.v1 import retrieval_service_pb2 as pb
from fiducia.type.v1.risk_pb2 import RISK_LEVEL_R1, RISK_LEVEL_R5, RISK_LEVEL_UNSPECIFIED, RiskLevel
from google.type.date_pb2 import Date
from hypothesis import given, settings
from hypothesis import strategies as st

from services.retrieval import wire
from services.retrieval.filters import PassageFilter
from services.retrieval.listing import Listed
from services.retrieval.manifest import read_manifest
from services.retrieval.parse_library import Page, page_token, parse_page
from services.retrieval.parse_search import parse_batch, parse_search
from services.retrieval.passage import Passage, PassageFlag
from shared.errors import InvalidRequest
from tests.unit.retrieval.samples import LIBRARY, VTI, builder

TODAY = date(2026, 11, 22)
SNAPSHOT = "a" * 64
# Values that a newer client may know and this server does not.
UNKNOWN_LEVEL = cast("RiskLevel.ValueType", 99)
UNKNOWN_KIND = cast("passage_pb2.DocumentKind.ValueType", 7)


def filtered(**lists: Any) -> pb.SearchPassagesRequest:
    return pb.SearchPassagesRequest(query="q", filter=pb.PassageFilter(**lists))


def faults(request: pb.SearchPassagesRequest) -> list[str]:
    with pytest.raises(InvalidRequest) as caught:
        parse_search(request, TODAY)
    return [violation.field for violation in caught.value.violations]


def test_a_bare_question_gets_the_defaults() -> None:
    search = parse_search(pb.SearchPassagesRequest(query="  fees? "), TODAY)

    assert (search.query.text, search.query.limit, search.query.as_of) == ("fees?", 8, TODAY)
    assert search.query.filter == PassageFilter()
    assert search.snapshot == ""


def test_every_part_of_a_request_arrives() -> None:
    request = pb.SearchPassagesRequest(
        query="fees",
        limit=50,
        filter=pb.PassageFilter(
            asset_classes=["gold"],
            risk_levels=[RISK_LEVEL_R1, RISK_LEVEL_R5],
            jurisdictions=["US"],
            languages=["zh"],
            kinds=[passage_pb2.DOCUMENT_KIND_GUIDE],
            product_ids=["510300"],
        ),
        index_snapshot=SNAPSHOT,
        as_of=Date(year=2027, month=1, day=2),
    )

    search = parse_search(request, TODAY)

    assert search.query.limit == 50
    assert search.query.as_of == date(2027, 1, 2)
    assert search.snapshot == SNAPSHOT
    assert search.query.filter == PassageFilter(
        asset_classes=frozenset({"gold"}),
        risk_levels=frozenset({"R1", "R5"}),
        jurisdictions=frozenset({"US"}),
        languages=frozenset({"zh"}),
        kinds=frozenset({"GUIDE"}),
        product_ids=frozenset({"510300"}),
    )


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.SearchPassagesRequest(), "query"),
        (pb.SearchPassagesRequest(query=" \n\t　"), "query"),
        (pb.SearchPassagesRequest(query="x" * 2001), "query"),
        (pb.SearchPassagesRequest(query="fees\x1b[2J"), "query"),
        (pb.SearchPassagesRequest(query="\u200b"), "query"),
        (pb.SearchPassagesRequest(query="q", limit=51), "limit"),
        (pb.SearchPassagesRequest(query="q", limit=-1), "limit"),
        (pb.SearchPassagesRequest(query="q", index_snapshot="../active"), "index_snapshot"),
        (pb.SearchPassagesRequest(query="q", as_of=Date()), "as_of"),
        (pb.SearchPassagesRequest(query="q", as_of=Date(year=2026, month=2, day=30)), "as_of"),
        (pb.SearchPassagesRequest(query="q", min_relevance=1.5), "min_relevance"),
        (pb.SearchPassagesRequest(query="q", min_relevance=float("nan")), "min_relevance"),
        (filtered(asset_classes=[""]), "filter.asset_classes[0]"),
        (
            pb.SearchPassagesRequest(
                query="q", filter=pb.PassageFilter(risk_levels=[RISK_LEVEL_R1, RISK_LEVEL_UNSPECIFIED])
            ),
            "filter.risk_levels[1]",
        ),
        (
            filtered(risk_levels=[UNKNOWN_LEVEL]),
            "filter.risk_levels[0]",
        ),
        (filtered(jurisdictions=["us"]), "filter.jurisdictions[0]"),
        (filtered(jurisdictions=["US", "ZZ"]), "filter.jurisdictions[1]"),
        (filtered(languages=["de"]), "filter.languages[0]"),
        (filtered(kinds=[UNKNOWN_KIND]), "filter.kinds[0]"),
        (filtered(product_ids=["a b"]), "filter.product_ids[0]"),
        (filtered(product_ids=["A"] * 1001), "filter.product_ids"),
    ],
)
def test_a_wrong_field_is_named(request_: pb.SearchPassagesRequest, field: str) -> None:
    assert faults(request_) == [field]


def test_all_wrong_fields_are_named_at_once() -> None:
    request = pb.SearchPassagesRequest(limit=99, filter=pb.PassageFilter(languages=["en", "fr"]))

    assert faults(request) == ["query", "limit", "filter.languages[1]"]


def test_a_batch_names_the_request_and_must_search_one_snapshot() -> None:
    good = pb.SearchPassagesRequest(query="q")
    batch = pb.BatchSearchPassagesRequest(
        requests=[good, pb.SearchPassagesRequest(), pb.SearchPassagesRequest(query="q", index_snapshot=SNAPSHOT)]
    )

    with pytest.raises(InvalidRequest) as caught:
        parse_batch(batch, TODAY)

    assert [v.field for v in caught.value.violations] == ["requests[1].query", "requests[2].index_snapshot"]


@pytest.mark.parametrize("count", [0, 101])
def test_a_batch_holds_one_to_a_hundred_searches(count: int) -> None:
    batch = pb.BatchSearchPassagesRequest(requests=[pb.SearchPassagesRequest(query="q")] * count)

    with pytest.raises(InvalidRequest, match="requests"):
        parse_batch(batch, TODAY)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.ListIndexSnapshotsRequest(page_size=101), "page_size"),
        (pb.ListIndexSnapshotsRequest(page_size=-1), "page_size"),
        (pb.ListIndexSnapshotsRequest(page_token="?"), "page_token"),
        (pb.ListIndexSnapshotsRequest(page_token="é"), "page_token"),
        (pb.ListIndexSnapshotsRequest(page_token="YQ=="), "page_token"),
    ],
)
def test_a_wrong_page_is_named(request_: pb.ListIndexSnapshotsRequest, field: str) -> None:
    with pytest.raises(InvalidRequest, match=field):
        parse_page(request_)


def test_a_page_token_leads_back_to_its_snapshot() -> None:
    request = pb.ListIndexSnapshotsRequest(page_token=page_token(SNAPSHOT))

    assert parse_page(request) == Page(20, SNAPSHOT)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_request_that_parses_as_a_message_is_a_bug(content: bytes) -> None:
    request = pb.SearchPassagesRequest()
    try:
        request.ParseFromString(content)
    except Exception:
        return

    try:
        search = parse_search(request, TODAY)
    except InvalidRequest:
        return
    assert 1 <= search.query.limit <= 50


def test_a_passage_carries_all_it_knows() -> None:
    passage = Passage("VTI-factsheet-en#1-1", VTI, "What it holds", "", 17, 66, (PassageFlag.INSTRUCTION_LIKE,))

    message = wire.passage_message(passage)

    assert message.text == VTI.text[17:66]
    assert (message.span.start, message.span.end) == (17, 66)
    assert (message.document_digest, message.product_id, message.source) == (VTI.digest, "VTI", "Vanguard")
    assert list(message.flags) == [passage_pb2.PASSAGE_FLAG_INSTRUCTION_LIKE]
    assert message.kind == passage_pb2.DOCUMENT_KIND_FACTSHEET
    assert message.trust == passage_pb2.TRUST_LEVEL_FIRM_APPROVED
    assert not message.HasField("effective_date")
    assert not message.HasField("page")


def test_a_message_that_is_kept_is_that_of_the_very_passage() -> None:
    passage = Passage("VTI-factsheet-en#1-1", VTI, "What it holds", "", 17, 66)
    # What a later index says under the same id.
    renamed = replace(passage, document=replace(VTI, title="Renamed"))

    for one in (passage, renamed, passage):
        message = wire.kept_message(one)
        assert message == wire.passage_message(one)


def test_the_list_tells_what_the_manifest_says(tmp_path: Path) -> None:
    digest = builder(tmp_path).build(LIBRARY)
    created = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)

    message = wire.listed_message(Listed(digest, True, created, read_manifest(tmp_path / digest)))

    assert (message.id, message.active, message.document_count) == (digest, True, 3)
    assert [(one.name, one.dimension, list(one.languages)) for one in message.encoders] == [("counting", 64, ["en"])]
    assert message.create_time.ToDatetime(UTC) == created
