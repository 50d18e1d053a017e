"""The factsheets in a product's YAML file: one document for each language in which it is written."""

from __future__ import annotations

from pathlib import Path

from pydantic import ConfigDict

from services.retrieval.ingest.entry import (
    LANGUAGES,
    Entry,
    Jurisdiction,
    Language,
    ProductId,
    RiskLevelName,
    Text,
    parse,
    read_text,
    read_yaml,
)
from services.retrieval.ingest.problems import IngestRefused, Problem
from services.retrieval.passage import Document, DocumentKind, TrustLevel

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


class _Level(_Part):
    level: RiskLevelName


class _Product(_Part):
    id: ProductId
    name: _LocalText
    aliases: tuple[Text, ...] = ()
    asset_class: Text
    jurisdictions: tuple[Jurisdiction, ...]
    issuer: _Issuer
    risk_level: _Level
    factsheet: _LocalText


def read_factsheets(path: Path, file: str) -> list[Document]:
    """Return the factsheets of a product. file: the name used in errors. Raises IngestRefused."""
    product = parse(_Product, read_yaml(read_text(path, file), file), file)
    if path.stem != product.id:
        raise IngestRefused([Problem(file, "id", f"found {product.id}, expected the file's name, {path.stem}")])
    if product.factsheet.zh and not product.name.zh:
        raise IngestRefused([Problem(file, "name.zh", "missing; a Chinese factsheet needs the Chinese name")])
    return [
        _document(product, language, name, text)
        for language in LANGUAGES
        if (text := getattr(product.factsheet, language)) and (name := getattr(product.name, language))
    ]


def _document(product: _Product, language: Language, name: str, text: str) -> Document:
    return Document(
        id=f"{product.id}-factsheet-{language}",
        title=_TITLES[language].format(name=name),
        language=language,
        kind=DocumentKind.FACTSHEET,
        text=text,
        source=product.issuer.value,
        licence=_LICENCE,
        trust=TrustLevel.FIRM_APPROVED,
        product_id=product.id,
        keywords=product.aliases,
        asset_classes=(product.asset_class,),
        risk_levels=(product.risk_level.level,),
        jurisdictions=product.jurisdictions,
    )
