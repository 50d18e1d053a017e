"""What an advice text may say: facts, products and passages, checked once at the edge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
GOALS = ("RETIREMENT", "HOME", "EDUCATION", "GROWTH", "PRESERVATION", "INCOME")


@dataclass(frozen=True)
class LocalText:
    """The same words in English and, where written, Chinese."""

    en: str
    zh: str = ""

    def of(self, language: str) -> str:
        """Return the words in `language`, in English where they are not written in it."""
        return (self.zh or self.en) if language == "zh" else self.en


@dataclass(frozen=True)
class Fact:
    """One checked value.

    unit:  PERCENT, PERCENT_POINT, YEARS, COUNT, SCORE, RATIO, MONEY.<currency>, DATE or TEXT.
    value: the fraction for percentages; Decimal for money.
    """

    id: str
    subject_kind: str
    subject_id: str
    label: LocalText
    unit: str
    value: float | Decimal | date | str
    rendered: LocalText
    basis: str

    @property
    def amount(self) -> float | None:
        """The value as a number for comparisons; None for days and words."""
        return float(self.value) if isinstance(self.value, (float, Decimal)) else None

    @property
    def is_money(self) -> bool:
        """Whether the value is a sum of money."""
        return self.unit.startswith("MONEY.")


@dataclass(frozen=True)
class Product:
    """A product that may be named."""

    id: str
    name: LocalText
    asset_class: str
    asset_class_name: LocalText
    main_risks: tuple[LocalText, ...] = ()
    held_today: bool = False
    proposed: bool = False


@dataclass(frozen=True)
class Passage:
    """A passage that may be cited under its handle.

    span: code points of the document's text. trust: FIRM_APPROVED, ISSUER or EXTERNAL.
    """

    handle: int
    id: str
    document_id: str
    document_digest: str
    title: str
    heading: str
    text: str
    language: str
    kind: str
    product_id: str
    span: tuple[int, int]
    source: str
    trust: str
    effective_date: date | None = None
    expiry_date: date | None = None
    instruction_like: bool = False

    @property
    def is_quotable(self) -> bool:
        """Whether its words may reach a client: approved or from the issuer, and no instruction to a model."""
        return self.trust in ("FIRM_APPROVED", "ISSUER") and not self.instruction_like


@dataclass(frozen=True)
class Brief:
    """Everything that a text may say, in one language."""

    language: Language
    facts: tuple[Fact, ...] = ()
    products: tuple[Product, ...] = ()
    passages: tuple[Passage, ...] = ()
    goal: str = ""

    @cached_property
    def fact(self) -> dict[str, Fact]:
        """Facts by identifier."""
        return {fact.id: fact for fact in self.facts}

    @cached_property
    def product(self) -> dict[str, Product]:
        """Products by identifier."""
        return {product.id: product for product in self.products}

    @cached_property
    def passage(self) -> dict[int, Passage]:
        """Passages by handle."""
        return {passage.handle: passage for passage in self.passages}

    def amount(self, fact_id: str) -> float | None:
        """Return the fact's value as a number; None if it is not there or is no number."""
        fact = self.fact.get(fact_id)
        return None if fact is None else fact.amount

    def fact_id(self, prefix: str, product_id: str) -> str:
        """Return the identifier of a product's fact: fact ids are lower case, product ids need not be."""
        exact = f"{prefix}.{product_id}"
        return exact if exact in self.fact else f"{prefix}.{product_id.lower()}"
