"""The options of the retrieval commands as messages of the contract; every problem is told at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from fiducia.retrieval.v1 import import_pb2, passage_pb2
from fiducia.retrieval.v1 import retrieval_service_pb2 as pb
from fiducia.type.v1 import risk_pb2
from google.type.date_pb2 import Date

from services.cli.errors import CliError, Problem

KINDS = {
    "guide": passage_pb2.DOCUMENT_KIND_GUIDE,
    "factsheet": passage_pb2.DOCUMENT_KIND_FACTSHEET,
    "document": passage_pb2.DOCUMENT_KIND_DOCUMENT,
}
TRUSTS = {
    "firm-approved": passage_pb2.TRUST_LEVEL_FIRM_APPROVED,
    "issuer": passage_pb2.TRUST_LEVEL_ISSUER,
    "external": passage_pb2.TRUST_LEVEL_EXTERNAL,
}
RISK_LEVELS = {
    "R1": risk_pb2.RISK_LEVEL_R1,
    "R2": risk_pb2.RISK_LEVEL_R2,
    "R3": risk_pb2.RISK_LEVEL_R3,
    "R4": risk_pb2.RISK_LEVEL_R4,
    "R5": risk_pb2.RISK_LEVEL_R5,
}


@dataclass(frozen=True)
class SearchOptions:
    """What to look for, and where. as_of: "" for today; everything: also what is hardly relevant."""

    question: str
    limit: int
    languages: Sequence[str] = ()
    products: Sequence[str] = ()
    asset_classes: Sequence[str] = ()
    risk_levels: Sequence[str] = ()
    jurisdictions: Sequence[str] = ()
    kinds: Sequence[str] = ()
    as_of: str = ""
    everything: bool = False


@dataclass(frozen=True)
class ImportOptions:
    """What to import, and what holds where a document does not say otherwise. Empty texts state nothing."""

    paths: Sequence[Path]
    collection: str
    replace: bool = False
    delete: Sequence[str] = ()
    activate: bool = True
    source: str = ""
    licence: str = ""
    issuer: str = ""
    trust: str = ""
    language: str = ""
    jurisdictions: Sequence[str] = ()


def search_request(options: SearchOptions) -> pb.SearchPassagesRequest:
    """Return the search; raise CliError with every option that cannot be."""
    problems: list[Problem] = []
    if not options.question.strip():
        problems.append(Problem("QUESTION", "empty; state it in words"))
    wanted = pb.PassageFilter(
        languages=options.languages,
        product_ids=options.products,
        asset_classes=options.asset_classes,
        risk_levels=[RISK_LEVELS[name] for name in _known(options.risk_levels, RISK_LEVELS, "--risk-level", problems)],
        jurisdictions=[country.upper() for country in options.jurisdictions],
        kinds=[KINDS[name] for name in _known(options.kinds, KINDS, "--kind", problems)],
    )
    as_of = _day(options.as_of, problems)
    if problems:
        raise CliError("the search cannot be made:", problems=problems)
    least = 0.0 if options.everything else None
    return pb.SearchPassagesRequest(
        query=options.question, limit=options.limit, filter=wanted, as_of=as_of, min_relevance=least
    )


def import_plan(options: ImportOptions) -> import_pb2.ImportPlan:
    """Return how to import; raise CliError with every option that cannot be."""
    problems: list[Problem] = []
    trust = _known([options.trust] if options.trust else [], TRUSTS, "--trust", problems)
    if problems:
        raise CliError("the import cannot be made:", problems=problems)
    return import_pb2.ImportPlan(
        collection=options.collection,
        mode=import_pb2.IMPORT_MODE_REPLACE if options.replace else import_pb2.IMPORT_MODE_MERGE,
        delete_document_ids=options.delete,
        activate=options.activate,
        defaults=import_pb2.DocumentDefaults(
            source=options.source,
            licence=options.licence,
            issuer=options.issuer,
            trust=TRUSTS[trust[0]] if trust else passage_pb2.TRUST_LEVEL_UNSPECIFIED,
            language=options.language,
            jurisdictions=[country.upper() for country in options.jurisdictions],
        ),
    )


def _known(values: Sequence[str], known: Collection[str], option: str, problems: list[Problem]) -> list[str]:
    """Return the values as the command spells them; those that are not known become problems."""
    spelled = {name.lower(): name for name in known}
    problems += [
        Problem(option, f"found {value!r}, expected {', '.join(known)}")
        for value in values
        if value.lower() not in spelled
    ]
    return [spelled[value.lower()] for value in values if value.lower() in spelled]


def _day(text: str, problems: list[Problem]) -> Date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        problems.append(Problem("--as-of", f"found {text!r}, expected a day like 2026-11-22"))
        return None
    return Date(year=day.year, month=day.month, day=day.day)
