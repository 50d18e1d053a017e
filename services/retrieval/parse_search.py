"""Searches as they come in; every field is checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from fiducia.retrieval.v1 import passage_pb2, retrieval_service_pb2
from fiducia.type.v1 import risk_pb2

from services.retrieval.checks import JURISDICTIONS, STEERING, Faults, day, enum_names, snapshot_id, texts, within
from services.retrieval.filters import PassageFilter
from services.retrieval.search import Query

DEFAULT_LIMIT = 8
LARGEST_LIMIT = 50
LONGEST_QUERY = 2_000
LARGEST_BATCH = 100
# More values than any catalogue has products; a bound so that a request cannot be made of nothing but a filter.
_MOST_VALUES = 1_000

LANGUAGES = ("en", "zh")
# What a typed or pasted question may hold of the characters that are no words.
_LAYOUT = str.maketrans("", "", "\t\n\r")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class Search:
    """A checked search. snapshot: an id, or "" for the active one."""

    query: Query
    snapshot: str


def parse_search(request: retrieval_service_pb2.SearchPassagesRequest, today: date) -> Search:
    """Return the search that a message asks for. Raises InvalidRequest with every wrong field."""
    faults = Faults()
    search = _search(request, "", today, faults)
    faults.raise_any()
    return search


def parse_batch(request: retrieval_service_pb2.BatchSearchPassagesRequest, today: date) -> list[Search]:
    """Return the searches of a batch, all over one snapshot. Raises InvalidRequest with every wrong field."""
    faults = Faults()
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


def is_name(value: str) -> bool:
    """Return whether the text can be an asset class or a product id."""
    return _NAME.fullmatch(value) is not None


def is_jurisdiction(value: str) -> bool:
    """Return whether documents may be bound to the country of this code."""
    return value in JURISDICTIONS


def _search(request: retrieval_service_pb2.SearchPassagesRequest, path: str, today: date, faults: Faults) -> Search:
    text = request.query.strip()
    _check_question(text, f"{path}query", faults)
    limit = within(request.limit, DEFAULT_LIMIT, LARGEST_LIMIT, f"{path}limit", faults)
    snapshot = snapshot_id(request.index_snapshot, f"{path}index_snapshot", faults)
    as_of = day(request.as_of, f"{path}as_of", faults) if request.HasField("as_of") else today
    wanted = _filter(request.filter, f"{path}filter", faults) if request.HasField("filter") else PassageFilter()
    least = request.min_relevance if request.HasField("min_relevance") else None
    if least is not None and not 0.0 <= least <= 1.0:
        faults.add(f"{path}min_relevance", f"found {least}, expected 0 to 1; leave it out for the calibrated one")
    return Search(Query(text, limit, as_of, wanted, least), snapshot)


def _check_question(text: str, path: str, faults: Faults) -> None:
    if len(text) > LONGEST_QUERY:
        faults.add(path, f"found {len(text)} characters, expected at most {LONGEST_QUERY}; shorten it")
    elif steering := STEERING.search(text.translate(_LAYOUT)):
        faults.add(path, f"holds the control character U+{ord(steering[0]):04X}; send words alone")
    elif not any(character.isprintable() and not character.isspace() for character in text):
        faults.add(path, "is empty; ask a question")


def _filter(message: retrieval_service_pb2.PassageFilter, path: str, faults: Faults) -> PassageFilter:
    for name in ("asset_classes", "risk_levels", "jurisdictions", "languages", "kinds", "product_ids"):
        if (count := len(getattr(message, name))) > _MOST_VALUES:
            faults.add(f"{path}.{name}", f"found {count} values, expected at most {_MOST_VALUES}")
    return PassageFilter(
        asset_classes=texts(message.asset_classes, f"{path}.asset_classes", is_name, "an asset class", faults),
        risk_levels=enum_names(message.risk_levels, f"{path}.risk_levels", risk_pb2.RiskLevel, "RISK_LEVEL_", faults),
        jurisdictions=texts(message.jurisdictions, f"{path}.jurisdictions", is_jurisdiction, "US or CN", faults),
        languages=texts(message.languages, f"{path}.languages", LANGUAGES.__contains__, "en or zh", faults),
        kinds=enum_names(message.kinds, f"{path}.kinds", passage_pb2.DocumentKind, "DOCUMENT_KIND_", faults),
        product_ids=texts(message.product_ids, f"{path}.product_ids", is_name, "a product id", faults),
    )
