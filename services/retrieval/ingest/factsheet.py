"""The factsheets in a product's YAML file: one document for each language in which it is written."""

from __future__ import annotations

from pathlib import Path

from pydantic import ConfigDict

from services.retrieval.ingest.fields import (
    LANGUAGES,
    Jurisdiction,
    Language,
    ProductId,
    RiskLevelName,
    Text,
)
from services.retrieval.passage import Document, DocumentKind, TrustLevel
from shared.entries import Entry, read_entry
from shared.problems import KnowledgeBaseError, Problem

_TITLES: dict[Language, str] = {"en": "{name} factsheet", "zh": "{name}产品概要"}
# The words of the knowledge base are ours; issuer's words would be TrustLevel.ISSUER.
_LICENCE = "Apache-2.0"


class _Part(Entry):
    # The catalogue owns the product's schema and checks the rest; a text needs only these fields.
    model_config = ConfigDict(extra="ignore", frozen=True, str_strip_whitespace=True)


class _LocalText(_Part):
    en: Text
    zh: Text | None = None


class _Issuer(_Part):
    value: Text


class _Isin(_Part):
    value: Text


class _Level(_Part):
    level: RiskLevelName


class _Product(_Part):
    id: ProductId
    name: _LocalText
    aliases: tuple[Text, ...] = ()
    asset_class: Text
    jurisdictions: tuple[Jurisdiction, ...]
    issuer: _Issuer
    isin: _Isin | None = None
    risk_level: _Level
    factsheet: _LocalText


def read_factsheets(path: Path, file: str) -> list[Document]:
    """Return the factsheets of a product. file: the name used in errors. Raises KnowledgeBaseError."""
    product = read_entry(path, file, _Product)
    if path.stem != product.id:
        raise KnowledgeBaseError([Problem(file, "id", f"found {product.id}, expected the file's name, {path.stem}")])
    if product.factsheet.zh and not product.name.zh:
        raise KnowledgeBaseError([Problem(file, "name.zh", "missing; a Chinese factsheet needs the Chinese name")])
    return [
        _document(product, language, name, text)
        for language in LANGUAGES
        if (text := getattr(product.factsheet, language)) and (name := getattr(product.name, language))
    ]


def _names(product: _Product) -> tuple[str, ...]:
    """Return what people call the product, in both languages: a Chinese question finds an English factsheet by name."""
    names = (product.name.en, product.name.zh, *product.aliases, product.isin.value if product.isin else None)
    return tuple(dict.fromkeys(name for name in names if name))


def _document(product: _Product, language: Language, name: str, text: str) -> Document:
    return Document(
        id=f"{product.id}-factsheet-{language}",
        title=_TITLES[language].format(name=name),
        language=language,
        kind=DocumentKind.FACTSHEET,
        text=text,
        source=product.issuer.value,
        issuer=product.issuer.value,
        licence=_LICENCE,
        trust=TrustLevel.FIRM_APPROVED,
        product_id=product.id,
        keywords=_names(product),
        asset_classes=(product.asset_class,),
        risk_levels=(product.risk_level.level,),
        jurisdictions=product.jurisdictions,
    )
