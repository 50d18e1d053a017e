"""Between messages of the contract and the nouns of retrieval; every field that comes in is checked."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from fiducia.retrieval.v1 import passage_pb2, retrieval_service_pb2
from fiducia.type.v1 import risk_pb2, text_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from services.retrieval.filters import PassageFilter
from services.retrieval.listing import Listed
from services.retrieval.passage import Document, Passage
from services.retrieval.search import Hit, Query
from shared.errors import FieldViolation, InvalidRequest
from shared.snapshots import is_digest

DEFAULT_LIMIT = 8
LARGEST_LIMIT = 50
LONGEST_QUERY = 2_000
LARGEST_BATCH = 100
DEFAULT_PAGE = 20
LARGEST_PAGE = 100
# More values than any catalogue has products; a bound so that a request cannot be made of nothing but a filter.
_MOST_VALUES = 1_000

_LANGUAGES = ("en", "zh")
_COUNTRY = re.compile(r"[A-Z]{2}")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LEVEL_PREFIX = "RISK_LEVEL_"
_KIND_PREFIX = "DOCUMENT_KIND_"


@dataclass(frozen=True)
class Search:
    """A checked search. snapshot: an id, or "" for the active one."""

    query: Query
    snapshot: str


@dataclass
class _Faults:
    """The wrong fields of a request, in the order found."""

    found: list[FieldViolation] = field(default_factory=list)

    def add(self, path: str, description: str) -> None:
        self.found.append(FieldViolation(path, description))

    def raise_any(self) -> None:
        if self.found:
            raise InvalidRequest(self.found)


def parse_search(request: retrieval_service_pb2.SearchPassagesRequest, today: date) -> Search:
    """Return the search that a message asks for. Raises InvalidRequest with every wrong field."""
    faults = _Faults()
    search = _search(request, "", today, faults)
    faults.raise_any()
    return search


def parse_batch(request: retrieval_service_pb2.BatchSearchPassagesRequest, today: date) -> list[Search]:
    """Return the searches of a batch, all over one snapshot. Raises InvalidRequest with every wrong field."""
    faults = _Faults()
    if not 1 <= len(request.requests) <= LARGEST_BATCH:
        faults.add(
            "requests", f"found {len(request.requests)} searches, expected 1 to {LARGEST_BATCH}; split the batch"
        )
        faults.raise_any()
    searches = [_search(one, f"requests[{n}].", today, faults) for n, one in enumerate(request.requests)]
    for number, search in enumerate(searches):
        if search.snapshot != searches[0].snapshot:
            faults.add(
                f"requests[{number}].index_snapshot",
                "differs from that of requests[0]; a batch searches one snapshot, send one batch for each",
            )
    faults.raise_any()
    return searches


def parse_page(request: retrieval_service_pb2.ListIndexSnapshotsRequest) -> tuple[int, str]:
    """Return page size and the id after which the page begins. Raises InvalidRequest."""
    faults = _Faults()
    size = request.page_size or DEFAULT_PAGE
    if not 1 <= size <= LARGEST_PAGE:
        faults.add("page_size", f"found {size}, expected 1 to {LARGEST_PAGE}, or 0 for {DEFAULT_PAGE}")
    last_id = _from_token(request.page_token)
    if last_id is None:
        faults.add("page_token", "is not a token of this server; send the next_page_token of the page before")
    faults.raise_any()
    return size, last_id or ""


def search_response(hits: Iterable[Hit], snapshot_id: str) -> retrieval_service_pb2.SearchPassagesResponse:
    """Return the answer to one search."""
    return retrieval_service_pb2.SearchPassagesResponse(
        results=[
            retrieval_service_pb2.ScoredPassage(passage=passage_message(hit.passage), score=hit.score) for hit in hits
        ],
        index_snapshot=snapshot_id,
    )


def passage_message(passage: Passage) -> passage_pb2.Passage:
    """Return a passage with its document's circumstances."""
    about = passage.document
    message = passage_pb2.Passage(
        id=passage.id,
        document_id=about.id,
        document_digest=about.digest,
        title=about.title,
        heading=passage.heading,
        text=passage.text,
        language=about.language,
        kind=passage_pb2.DocumentKind.Value(f"{_KIND_PREFIX}{about.kind.value}"),
        product_id=about.product_id,
        span=text_pb2.Span(start=passage.start, end=passage.end),
        source=about.source,
        trust=passage_pb2.TrustLevel.Value(f"TRUST_LEVEL_{about.trust.value}"),
        flags=[passage_pb2.PassageFlag.Value(f"PASSAGE_FLAG_{flag.value}") for flag in passage.flags],
        asset_classes=about.asset_classes,
        risk_levels=[risk_pb2.RiskLevel.Value(f"{_LEVEL_PREFIX}{level}") for level in about.risk_levels],
        jurisdictions=about.jurisdictions,
    )
    _add_days(message, about)
    return message


def listed_message(listed: Listed) -> retrieval_service_pb2.IndexSnapshot:
    """Return what the list says about a snapshot."""
    manifest = listed.manifest
    created = Timestamp()
    created.FromDatetime(listed.created)
    return retrieval_service_pb2.IndexSnapshot(
        id=listed.id,
        active=listed.active,
        create_time=created,
        passage_count=manifest.passage_count,
        document_count=manifest.document_count,
        embedder=manifest.embedder,
        embedder_digest=manifest.embedder_digest,
        dimension=manifest.dimension,
        chunker_version=manifest.chunker_version,
    )


def page_token(last_id: str) -> str:
    """Return the token that continues after a snapshot, "" after the last page."""
    return base64.urlsafe_b64encode(last_id.encode()).decode()


def _from_token(token: str) -> str | None:
    try:
        last_id = base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        return None
    return last_id if not token or is_digest(last_id) else None


def _search(request: retrieval_service_pb2.SearchPassagesRequest, path: str, today: date, faults: _Faults) -> Search:
    text = request.query.strip()
    if not text:
        faults.add(f"{path}query", "is empty; ask a question")
    elif len(request.query) > LONGEST_QUERY:
        faults.add(
            f"{path}query", f"found {len(request.query)} characters, expected at most {LONGEST_QUERY}; shorten it"
        )
    limit = request.limit or DEFAULT_LIMIT
    if not 1 <= limit <= LARGEST_LIMIT:
        faults.add(f"{path}limit", f"found {request.limit}, expected 1 to {LARGEST_LIMIT}, or 0 for {DEFAULT_LIMIT}")
    if request.index_snapshot and not is_digest(request.index_snapshot):
        faults.add(f"{path}index_snapshot", "is not an id of 64 hexadecimal digits; list the index snapshots")
    as_of = _day(request.as_of, f"{path}as_of", faults) if request.HasField("as_of") else today
    wanted = _filter(request.filter, f"{path}filter", faults)
    return Search(Query(text, limit, as_of, wanted), request.index_snapshot)


def _filter(message: retrieval_service_pb2.PassageFilter, path: str, faults: _Faults) -> PassageFilter:
    for name in ("asset_classes", "risk_levels", "jurisdictions", "languages", "kinds", "product_ids"):
        if (count := len(getattr(message, name))) > _MOST_VALUES:
            faults.add(f"{path}.{name}", f"found {count} values, expected at most {_MOST_VALUES}")
    return PassageFilter(
        asset_classes=_texts(message.asset_classes, f"{path}.asset_classes", _is_name, "an asset class", faults),
        risk_levels=_enums(message.risk_levels, f"{path}.risk_levels", risk_pb2.RiskLevel, _LEVEL_PREFIX, faults),
        jurisdictions=_texts(message.jurisdictions, f"{path}.jurisdictions", _is_country, "a code like US", faults),
        languages=_texts(message.languages, f"{path}.languages", _LANGUAGES.__contains__, "en or zh", faults),
        kinds=_enums(message.kinds, f"{path}.kinds", passage_pb2.DocumentKind, _KIND_PREFIX, faults),
        product_ids=_texts(message.product_ids, f"{path}.product_ids", _is_name, "a product id", faults),
    )


def _is_name(value: str) -> bool:
    return _NAME.fullmatch(value) is not None


def _is_country(value: str) -> bool:
    return _COUNTRY.fullmatch(value) is not None


def _texts(
    values: Sequence[str], path: str, is_valid: Callable[[str], bool], expected: str, faults: _Faults
) -> frozenset[str]:
    for number, value in enumerate(values):
        if not is_valid(value):
            faults.add(f"{path}[{number}]", f"found {value[:64]!r}, expected {expected}")
    return frozenset(values)


def _enums(
    values: Sequence[int],
    path: str,
    enum: type[risk_pb2.RiskLevel] | type[passage_pb2.DocumentKind],
    prefix: str,
    faults: _Faults,
) -> frozenset[str]:
    names: dict[int, str] = {number: name.removeprefix(prefix) for name, number in enum.items() if number}
    for index, value in enumerate(values):
        if value not in names:
            faults.add(f"{path}[{index}]", f"found {value}, expected one of {', '.join(names.values())}")
    return frozenset(names[value] for value in values if value in names)


def _day(message: Date, path: str, faults: _Faults) -> date:
    try:
        return date(message.year, message.month, message.day)
    except ValueError as error:
        faults.add(path, f"found {message.year}-{message.month}-{message.day}, which is no day: {error}")
        return date.min


def _add_days(message: passage_pb2.Passage, about: Document) -> None:
    for name, day in (("effective_date", about.effective), ("expiry_date", about.expires)):
        if day is not None:
            getattr(message, name).CopyFrom(Date(year=day.year, month=day.month, day=day.day))
