"""Requests as checked dataclasses; every wrong field is collected with its path."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import cast

from fiducia.advice.v1 import advice_service_pb2 as pb
from fiducia.retrieval.v1 import passage_pb2
from fiducia.type.v1 import fact_pb2, risk_pb2
from google.type import money_pb2

from services.advice.brief import GOALS, LANGUAGES, Brief, Fact, Language, Passage, Product
from services.advice.wire_checks import Checks, all_known, date_of, enum_of, optional_date, text_of, unique

MAX_FACTS = 2000
MAX_PRODUCTS = 500
MAX_PASSAGES = 300
MAX_QUESTION = 2000
_FACT_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}")
_PRODUCT_ID = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_CURRENCY = re.compile(r"[A-Z]{3}")


def brief_of(request: pb.StreamAdviceRequest) -> Brief:
    """Return the request's brief; raises InvalidRequest with all violations."""
    checks = Checks()
    message = request.brief
    checks.expect(request.HasField("brief"), "brief", "missing, expected what may be said")
    language = _language(message.language, "brief.language", checks)
    facts = _facts(message.facts, language, "brief.facts", checks)
    products = _products(message.products, "brief.products", checks)
    passages = _passages(message.passages, "brief.passages", checks)
    goals = ", ".join(GOALS)
    checks.expect(message.goal in ("", *GOALS), "brief.goal", f"unknown goal, expected one of {goals}, or nothing")
    strictness_of(request.strictness, "strictness", checks)
    checks.raise_if_any()
    return Brief(language, facts, products, passages, message.goal)


def question_of(request: pb.StreamAnswerRequest) -> tuple[str, Brief]:
    """Return the question and what may be said in answer; raises InvalidRequest with all violations."""
    checks = Checks()
    question = request.question.strip()
    checks.expect(bool(question), "question", "empty, expected a question of 1 to 2,000 characters")
    checks.expect(
        len(question) <= MAX_QUESTION, "question", f"{len(question)} characters, expected at most 2,000; shorten it"
    )
    language = _language(request.language, "language", checks)
    facts = _facts(request.facts, language, "facts", checks)
    products = _products(request.products, "products", checks)
    passages = _passages(request.passages, "passages", checks)
    checks.raise_if_any()
    return question, Brief(language, facts, products, passages)


def strictness_of(value: int, field: str = "strictness", checks: Checks | None = None) -> str:
    """Return PHRASES, FREE_WORDS, or "" for the server's setting; an unknown number is a violation."""
    if checks is not None:
        checks.expect(value in pb.Strictness.values(), field, f"unknown value {value}")
    if value not in pb.Strictness.values() or value == pb.STRICTNESS_UNSPECIFIED:
        return ""
    return pb.Strictness.Name(cast("pb.Strictness.ValueType", value)).removeprefix("STRICTNESS_")


def _language(value: str, field: str, checks: Checks) -> Language:
    if not checks.expect(value in LANGUAGES, field, f'"{value[:20]}", expected "en" or "zh"'):
        return "en"
    return cast("Language", value)


def _facts(messages: Sequence[fact_pb2.Fact], language: str, path: str, checks: Checks) -> tuple[Fact, ...]:
    checks.expect(len(messages) <= MAX_FACTS, path, f"{len(messages)} entries, expected at most {MAX_FACTS}")
    unique([message.id for message in messages], path, "id", checks)
    return tuple(_fact(m, language, f"{path}[{i}]", checks) for i, m in enumerate(messages[:MAX_FACTS]))


def _fact(message: fact_pb2.Fact, language: str, path: str, checks: Checks) -> Fact:
    checks.expect(bool(_FACT_ID.fullmatch(message.id)), f"{path}.id", "expected letters, digits, underscores and dots")
    kind = enum_of(fact_pb2.SubjectKind, message.subject.kind, "SUBJECT_KIND_", f"{path}.subject.kind", checks)
    basis = enum_of(fact_pb2.Basis, message.basis, "BASIS_", f"{path}.basis", checks)
    enum_of(fact_pb2.SourceKind, message.source.kind, "SOURCE_KIND_", f"{path}.source.kind", checks)
    optional_date(message, "as_of", f"{path}.as_of", checks)
    label = text_of(message.label, f"{path}.label", checks)
    rendered = text_of(message.rendered, f"{path}.rendered", checks)
    if language == "zh":
        checks.expect(bool(message.rendered.zh), f"{path}.rendered.zh", "empty, expected the value in Chinese text")
    unit, value = _value(message, path, checks)
    return Fact(message.id, kind, message.subject.id, label, unit, value, rendered, basis)


def _value(message: fact_pb2.Fact, path: str, checks: Checks) -> tuple[str, float | Decimal | date | str]:
    which = message.WhichOneof("value")
    if which == "quantity":
        unit = enum_of(fact_pb2.Unit, message.quantity.unit, "UNIT_", f"{path}.quantity.unit", checks)
        number = message.quantity.value
        checks.expect(math.isfinite(number), f"{path}.quantity.value", f"{number}, expected a finite number")
        return unit, number
    if which == "money":
        return f"MONEY.{message.money.currency_code}", _money(message.money, f"{path}.money", checks)
    if which == "date":
        return "DATE", date_of(message.date, f"{path}.date", checks) or date.min
    checks.expect(which == "text" and bool(message.text.strip()), f"{path}.value", "missing, expected a value")
    return "TEXT", message.text


def _money(message: money_pb2.Money, path: str, checks: Checks) -> Decimal:
    code = message.currency_code
    checks.expect(bool(_CURRENCY.fullmatch(code)), f"{path}.currency_code", "expected three capital letters")
    checks.expect(abs(message.nanos) < 10**9, f"{path}.nanos", "expected less than a whole unit")
    checks.expect(message.units * message.nanos >= 0, f"{path}.nanos", "expected the sign of units")
    return Decimal(message.units) + Decimal(message.nanos).scaleb(-9)


def _products(messages: Sequence[pb.BriefProduct], path: str, checks: Checks) -> tuple[Product, ...]:
    checks.expect(len(messages) <= MAX_PRODUCTS, path, f"{len(messages)} entries, expected at most {MAX_PRODUCTS}")
    unique([message.product_id for message in messages], path, "product_id", checks)
    return tuple(_product(m, f"{path}[{i}]", checks) for i, m in enumerate(messages[:MAX_PRODUCTS]))


def _product(message: pb.BriefProduct, path: str, checks: Checks) -> Product:
    known = bool(_PRODUCT_ID.fullmatch(message.product_id))
    checks.expect(known, f"{path}.product_id", "expected letters, digits, dots, underscores and hyphens")
    checks.expect(bool(message.asset_class), f"{path}.asset_class", "empty, expected an asset class")
    return Product(
        id=message.product_id,
        name=text_of(message.name, f"{path}.name", checks),
        asset_class=message.asset_class,
        asset_class_name=text_of(message.asset_class_name, f"{path}.asset_class_name", checks),
        main_risks=tuple(text_of(r, f"{path}.main_risks[{i}]", checks) for i, r in enumerate(message.main_risks)),
        held_today=message.held_today,
        proposed=message.proposed,
    )


def _passages(messages: Sequence[pb.CitablePassage], path: str, checks: Checks) -> tuple[Passage, ...]:
    checks.expect(len(messages) <= MAX_PASSAGES, path, f"{len(messages)} entries, expected at most {MAX_PASSAGES}")
    unique([str(message.handle) for message in messages], path, "handle", checks)
    return tuple(_passage(m, f"{path}[{i}]", checks) for i, m in enumerate(messages[:MAX_PASSAGES]))


def _passage(message: pb.CitablePassage, path: str, checks: Checks) -> Passage:
    body, inner = message.passage, f"{path}.passage"
    checks.expect(message.handle >= 1, f"{path}.handle", f"{message.handle}, expected 1 or more")
    checks.expect(message.HasField("passage"), inner, "missing, expected the passage")
    for name in ("id", "document_id", "title", "text"):
        checks.expect(bool(getattr(body, name).strip()), f"{inner}.{name}", "empty, expected text")
    digest = bool(_DIGEST.fullmatch(body.document_digest))
    checks.expect(digest, f"{inner}.document_digest", "expected SHA-256 in hexadecimal")
    checks.expect(body.language in LANGUAGES, f"{inner}.language", 'expected "en" or "zh"')
    checks.expect(0 <= body.span.start <= body.span.end, f"{inner}.span", "expected 0 <= start <= end")
    all_known(risk_pb2.RiskLevel, body.risk_levels, f"{inner}.risk_levels", checks)
    all_known(passage_pb2.PassageFlag, body.flags, f"{inner}.flags", checks)
    return Passage(
        handle=message.handle,
        id=body.id,
        document_id=body.document_id,
        document_digest=body.document_digest,
        title=body.title,
        heading=body.heading,
        text=body.text,
        language=body.language,
        kind=enum_of(passage_pb2.DocumentKind, body.kind, "DOCUMENT_KIND_", f"{inner}.kind", checks),
        product_id=body.product_id,
        span=(body.span.start, body.span.end),
        source=body.source,
        trust=_trust(body.trust, f"{inner}.trust", checks),
        effective_date=optional_date(body, "effective_date", f"{inner}.effective_date", checks),
        expiry_date=optional_date(body, "expiry_date", f"{inner}.expiry_date", checks),
        instruction_like=passage_pb2.PASSAGE_FLAG_INSTRUCTION_LIKE in body.flags,
    )


def _trust(value: int, path: str, checks: Checks) -> str:
    withdrawn = value == passage_pb2.TRUST_LEVEL_QUARANTINED
    checks.expect(not withdrawn, path, "quarantined, expected a passage in force; leave it out")
    if value == passage_pb2.TRUST_LEVEL_UNSPECIFIED:
        return "EXTERNAL"
    return enum_of(passage_pb2.TrustLevel, value, "TRUST_LEVEL_", path, checks)
