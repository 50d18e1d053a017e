"""Products and questionnaires of the catalogue as messages, each stated value with where it comes from."""

from __future__ import annotations

from datetime import date
from itertools import zip_longest

from fiducia.advisor.v1 import client_pb2
from fiducia.advisor.v1 import product_pb2 as pb
from fiducia.type.v1 import risk_pb2, text_pb2

from services.orchestrator.catalogue.load import Catalogue
from services.orchestrator.catalogue.questionnaire import Questionnaire
from services.orchestrator.catalogue.rules import BilingualText
from services.orchestrator.catalogue.schema import (
    DerivedLevel,
    Product,
    SourcedAmount,
    SourcedFraction,
    SourcedRisks,
    SourcedText,
)
from services.orchestrator.money import Money
from services.orchestrator.wire_values import date_message, entry_text, enum_value, money_message
from shared.assumptions import Origin


def product_message(product: Product, catalogue: Catalogue) -> pb.Product:
    """Return a product as a message; what the catalogue does not know is absent."""
    return _Writer(catalogue).product(product)


def questionnaire_message(questionnaire: Questionnaire, language: str) -> client_pb2.Questionnaire:
    """Return a questionnaire in one language, without the points of its options."""
    questions = [
        client_pb2.Question(
            id=question.id,
            text=_in(language, question.text),
            options=[client_pb2.QuestionOption(id=o.id, text=_in(language, o.text)) for o in question.options],
        )
        for question in questionnaire.questions
    ]
    return client_pb2.Questionnaire(id=questionnaire.id, language=language, questions=questions)


class _Writer:
    """Writes values with the sources of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def product(self, product: Product) -> pb.Product:
        asset_class = self._catalogue.assumptions.classes[product.asset_class]
        return pb.Product(
            id=product.id,
            name=entry_text(product.name),
            kind=product.kind,
            asset_class=product.asset_class,
            asset_class_name=entry_text(asset_class.name),
            currency=product.currency,
            jurisdictions=product.jurisdictions,
            risk_level=self._level(product),
            issuer=self._text(product.issuer),
            benchmark=self._text(product.benchmark),
            exchange=self._text(product.exchange),
            isin=self._text(product.isin),
            expense_ratio=self._fraction(product.expense_ratio),
            minimum_investment=self._money(product.minimum_investment),
            main_risks=_risks(product.main_risks),
            conflicts=product.conflicts,
            factsheet=entry_text(product.factsheet),
        )

    def _level(self, product: Product) -> pb.ProductRiskLevel:
        level = product.risk_level
        number = enum_value(risk_pb2.RiskLevel, "RISK_LEVEL", level.level)
        if isinstance(level, DerivedLevel):
            return pb.ProductRiskLevel(level=number, basis=pb.RISK_LEVEL_BASIS_DERIVED, by=level.rule)
        return pb.ProductRiskLevel(
            level=number,
            basis=pb.RISK_LEVEL_BASIS_RATED,
            by=level.rated_by,
            provenance=self._provenance(level, level.rated_on),
        )

    def _text(self, stated: SourcedText | None) -> pb.StatedText | None:
        if stated is None:
            return None
        return pb.StatedText(value=stated.value, provenance=self._provenance(stated))

    def _fraction(self, stated: SourcedFraction | None) -> pb.StatedFraction | None:
        if stated is None:
            return None
        return pb.StatedFraction(value=stated.value, provenance=self._provenance(stated, stated.as_of))

    def _money(self, stated: SourcedAmount | None) -> pb.StatedMoney | None:
        if stated is None:
            return None
        value = money_message(Money(stated.currency, stated.amount))
        return pb.StatedMoney(value=value, provenance=self._provenance(stated))

    def _provenance(self, origin: Origin, as_of: date | None = None) -> pb.Provenance:
        source = self._catalogue.sources[origin.source]
        return pb.Provenance(
            source=f"{source.title}, {source.publisher}, {source.as_of}",
            verified=origin.verified,
            as_of=None if as_of is None else date_message(as_of),
        )


def _risks(risks: SourcedRisks) -> list[text_pb2.LocalText]:
    # A Chinese sentence without an English one has nothing to stand beside.
    chinese = risks.zh[: len(risks.en)]
    return [text_pb2.LocalText(en=en, zh=zh) for en, zh in zip_longest(risks.en, chinese, fillvalue="")]


def _in(language: str, text: BilingualText) -> str:
    return text.zh if language == "zh" else text.en
