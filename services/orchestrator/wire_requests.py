"""Requests of clients, parsed and checked; every violation is collected before anything is stored."""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass

from fiducia.advice.v1 import advice_service_pb2
from fiducia.advisor.v1 import advisor_service_pb2 as pb
from fiducia.type.v1 import risk_pb2

from services.orchestrator.catalogue.load import Catalogue
from services.orchestrator.desk import Application
from services.orchestrator.pipeline import Order
from services.orchestrator.products import ProductFilter
from services.orchestrator.situation_check import LANGUAGES
from services.orchestrator.wire_advice import strictness_of
from services.orchestrator.wire_situation import parse_situation
from services.orchestrator.wire_values import enum_name
from shared.errors import FieldViolation, InvalidRequest

DEFAULT_PAGE = 50
MAX_PAGE = 200

_SNAPSHOT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class RequestKey:
    """What makes two requests the same: the caller's id and the SHA-256 of the body."""

    request_id: str
    digest: bytes


def request_key(request: pb.CreateProposalRequest, prefix: str = "") -> RequestKey:
    """Return a request's key. Raises InvalidRequest where request_id is neither empty nor a UUID.

    prefix: path of the request's message, with a dot behind; "create." inside a stream request.
    """
    body = pb.CreateProposalRequest()
    body.CopyFrom(request)
    body.ClearField("request_id")
    digest = hashlib.sha256(body.SerializeToString(deterministic=True)).digest()
    if not request.request_id:
        return RequestKey("", digest)
    try:
        # One spelling for each id: upper case and braces name the same UUID.
        return RequestKey(str(uuid.UUID(request.request_id)), digest)
    except ValueError as error:
        description = f'found "{request.request_id[:80]}", expected a UUID; send a new UUID or leave it empty'
        raise InvalidRequest.of(f"{prefix}request_id", description) from error


def parse_create(
    request: pb.CreateProposalRequest, tenant: str, catalogue: Catalogue, prefix: str = ""
) -> tuple[Application, Order]:
    """Return what to store and what to work on. Raises InvalidRequest with every violation."""
    key = request_key(request, prefix)
    if request.WhichOneof("client") is None:
        raise InvalidRequest.of(f"{prefix}situation", "is missing; send the client's situation")
    situation, violations = parse_situation(request.situation, catalogue, f"{prefix}situation")
    violations += _option_violations(request, prefix)
    if violations:
        raise InvalidRequest(violations)
    application = Application(tenant, key.request_id, key.digest, request.situation)
    return application, Order(situation, catalogue, request.index_snapshot, strictness_of(request.strictness))


def parse_resume(message: pb.ResumeProposal) -> tuple[str, int]:
    """Return the proposal to attach to and the last event that was seen. Raises InvalidRequest."""
    violations = []
    if not message.proposal_id:
        violations.append(FieldViolation("resume.proposal_id", "is empty; name the proposal to attach to"))
    if message.after_sequence < 0:
        found = f"found {message.after_sequence}, expected at least 0"
        violations.append(FieldViolation("resume.after_sequence", f"{found}; 0 sends all events"))
    if violations:
        raise InvalidRequest(violations)
    return message.proposal_id, message.after_sequence


def parse_product_filter(request: pb.ListProductsRequest, catalogue: Catalogue) -> tuple[ProductFilter, int]:
    """Return which products are wanted and how many. Raises InvalidRequest with every violation."""
    violations = _page_violations(request.page_size)
    if request.jurisdiction and request.jurisdiction not in catalogue.packs:
        known = " or ".join(sorted(catalogue.packs))
        found = f'found "{request.jurisdiction}", expected {known}'
        violations.append(FieldViolation("jurisdiction", f"{found}; or leave it empty for all"))
    if request.max_risk_level not in risk_pb2.RiskLevel.values():
        found = f"found the number {request.max_risk_level}, expected one of the contract's values"
        violations.append(FieldViolation("max_risk_level", found))
    if violations:
        raise InvalidRequest(violations)
    level = enum_name(risk_pb2.RiskLevel, "RISK_LEVEL", request.max_risk_level)
    return ProductFilter(request.jurisdiction, level), request.page_size or DEFAULT_PAGE  # type: ignore[arg-type]


def parse_page_size(size: int) -> int:
    """Return the number of objects wanted. Raises InvalidRequest."""
    violations = _page_violations(size)
    if violations:
        raise InvalidRequest(violations)
    return size or DEFAULT_PAGE


def parse_language(language: str) -> str:
    """Return the language asked for, "en" for "". Raises InvalidRequest."""
    if language and language not in LANGUAGES:
        raise InvalidRequest.of("language", f'found "{language}", expected en or zh; or leave it empty for en')
    return language or LANGUAGES[0]


def parse_name(field: str, value: str) -> str:
    """Return an identifier. Raises InvalidRequest where it is empty."""
    if not value:
        raise InvalidRequest.of(field, "is empty; name the one that is wanted")
    return value


def _option_violations(request: pb.CreateProposalRequest, prefix: str) -> list[FieldViolation]:
    violations = []
    if request.index_snapshot and not _SNAPSHOT.fullmatch(request.index_snapshot):
        found = f'found "{request.index_snapshot[:80]}", expected 64 hexadecimal digits'
        violations.append(FieldViolation(f"{prefix}index_snapshot", f"{found}; or leave it empty for the active one"))
    if request.strictness not in advice_service_pb2.Strictness.values():
        found = f"found the number {request.strictness}, expected one of the contract's values"
        violations.append(FieldViolation(f"{prefix}strictness", found))
    return violations


def _page_violations(size: int) -> list[FieldViolation]:
    if 0 <= size <= MAX_PAGE:
        return []
    return [FieldViolation("page_size", f"found {size}, expected 1 to {MAX_PAGE}; 0 means {DEFAULT_PAGE}")]
