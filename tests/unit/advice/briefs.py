"""Realistic briefs in both languages, from the repository's own knowledge base."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from fiducia.advice.v1 import advice_service_pb2 as pb
from fiducia.retrieval.v1 import passage_pb2
from fiducia.type.v1 import text_pb2

from services.advice.brief import Brief
from services.advice.wire import brief_of
from tests.unit.advice.brief_facts import KB, Case, Line, entry_of, facts_of

US_FAMILY = Case(
    "en", "RETIREMENT", "C3", 41, 64, 18, 240_000, 0.056, 0.094, 0.131, 0.0006,
    (
        Line("VTI", 0.30, 0.47),
        Line("BND", 0.28, 0.09, held_today=True),
        Line("VEA", 0.14, 0.24),
        Line("SCHP", 0.12, 0.04),
        Line("VNQ", 0.08, 0.13),
        Line("IAU", 0.08, 0.03),
    ),
    ("diversification", "a-bad-year", "fees-and-costs", "rebalancing"),
    current_volatility=0.142,
    sold=("QQQ",),
)  # fmt: skip
US_YOUNG = Case(
    "en", "GROWTH", "C5", 82, 78, 30, 36_000, 0.071, 0.151, 0.232, 0.0007,
    (Line("VTI", 0.45, 0.46), Line("VXUS", 0.30, 0.31), Line("VWO", 0.15, 0.17), Line("VBR", 0.10, 0.06)),
    ("diversification", "a-bad-year", "emerging-markets", "fees-and-costs"),
)  # fmt: skip
CN_SAVER = Case(
    "zh", "PRESERVATION", "C2", 55, 30, 4, 300_000, 0.024, 0.021, 0.018, 0.0031,
    (),
    ("diversification", "bad-years", "costs", "money-market-funds"),
    currency="CNY",
)  # fmt: skip


def cn_saver() -> Case:
    """Return a cautious saver in China: a money fund, government and corporate bonds, a few dividend shares."""
    lines = (
        Line("511880", 0.45, 0.02),
        Line("511010", 0.30, 0.28),
        Line("511030", 0.20, 0.20),
        Line("510880", 0.05, 0.50),
    )
    return Case(**{**CN_SAVER.__dict__, "lines": lines})


def us_family_zh() -> Case:
    """Return the family with holdings, read in Chinese."""
    guides = ("diversification", "bad-years", "costs", "rebalancing")
    return Case(**{**US_FAMILY.__dict__, "language": "zh", "guides": guides})


def brief(case: Case) -> Brief:
    """Return the case as a checked brief."""
    return brief_of(request(case))


def request(case: Case) -> pb.StreamAdviceRequest:
    """Return the case as the orchestrator would send it."""
    ids = [*(line.product_id for line in case.lines), *case.sold]
    products = {id_: entry_of(id_) for id_ in ids}
    proposed = {line.product_id: line for line in case.lines}
    passages = [*_guide_passages(case), *_factsheets(case, products)]
    message = pb.Brief(
        language=case.language,
        facts=list(facts_of(case)),
        products=[_product(entry, proposed.get(id_)) for id_, entry in products.items()],
        passages=[pb.CitablePassage(handle=i, passage=p) for i, p in enumerate(passages, start=1)],
        goal=case.goal,
    )
    return pb.StreamAdviceRequest(brief=message)


def passages_of(guide: str, language: str, **changes: Any) -> list[passage_pb2.Passage]:
    """Return the passages of a guide of the knowledge base, one a heading."""
    text = (KB / "guides" / language / f"{guide}.md").read_text(encoding="utf-8")
    _, front, body = text.split("---\n", 2)
    about = yaml.safe_load(front)
    return [
        _passage(about["id"], about["title"], heading, words, language, **changes) for heading, words in _sections(body)
    ]


def question(text: str, language: str, guides: tuple[str, ...]) -> pb.StreamAnswerRequest:
    """Return a question with the passages of guides."""
    found = [passage for guide in guides for passage in passages_of(guide, language)]
    passages = [pb.CitablePassage(handle=i, passage=p) for i, p in enumerate(found, start=1)]
    return pb.StreamAnswerRequest(question=text, language=language, passages=passages)


def _guide_passages(case: Case) -> list[passage_pb2.Passage]:
    return [passage for guide in case.guides for passage in passages_of(guide, case.language)[:4]]


def _factsheets(case: Case, products: Mapping[str, dict[str, Any]]) -> Iterator[passage_pb2.Passage]:
    for id_, entry in products.items():
        sheet = entry["factsheet"].get(case.language)
        for heading, words in _sections(sheet) if sheet else ():
            title = entry["name"][case.language]
            yield _passage(
                f"factsheet-{id_}", title, heading, words, case.language,
                kind=passage_pb2.DOCUMENT_KIND_FACTSHEET, product_id=id_,
            )  # fmt: skip


def _sections(body: str) -> Iterator[tuple[str, str]]:
    for part in body.split("## ")[1:]:
        heading, _, words = part.partition("\n")
        yield heading.strip(), " ".join(words.split())


def _passage(document: str, title: str, heading: str, text: str, language: str, **changes: Any) -> passage_pb2.Passage:
    digest = hashlib.sha256(text.encode()).hexdigest()
    fields: dict[str, Any] = {
        "id": f"{document}#{digest[:12]}",
        "document_id": document,
        "document_digest": digest,
        "title": title,
        "heading": heading,
        "text": text,
        "language": language,
        "kind": passage_pb2.DOCUMENT_KIND_GUIDE,
        "span": text_pb2.Span(start=0, end=len(text)),
        "source": "Fiducia knowledge base",
        "trust": passage_pb2.TRUST_LEVEL_FIRM_APPROVED,
    }
    return passage_pb2.Passage(**(fields | changes))


def _product(entry: dict[str, Any], line: Line | None) -> pb.BriefProduct:
    assumptions = yaml.safe_load(next((KB / "assumptions").glob("*.yaml")).read_text(encoding="utf-8"))
    english, chinese = entry["main_risks"]["en"], entry["main_risks"].get("zh", [])
    chinese = [*chinese, *[""] * (len(english) - len(chinese))]
    return pb.BriefProduct(
        product_id=entry["id"],
        name=text_pb2.LocalText(**entry["name"]),
        asset_class=entry["asset_class"],
        asset_class_name=text_pb2.LocalText(**assumptions["classes"][entry["asset_class"]]["name"]),
        main_risks=[text_pb2.LocalText(en=e, zh=z) for e, z in zip(english, chinese, strict=False)],
        held_today=line is None or line.held_today,
        proposed=line is not None,
    )
