"""The advice service's messages: briefs and questions out, segments in."""

from __future__ import annotations

from itertools import pairwise

from fiducia.advice.v1 import advice_service_pb2 as pb
from fiducia.advice.v1 import segment_pb2
from fiducia.retrieval.v1 import passage_pb2

from services.orchestrator.naming import NamedProduct
from services.orchestrator.passages import CitablePassage
from services.orchestrator.wire_facts import fact_message
from services.orchestrator.wire_values import enum_name, enum_value, text_message
from services.orchestrator.writing import Abstention, Binding, Brief, Question, Segment, Strictness, WritingSummary


def brief_message(brief: Brief, strictness: Strictness | None) -> pb.StreamAdviceRequest:
    """Return a brief as a message."""
    message = pb.Brief(
        language=brief.language,
        facts=[fact_message(fact) for fact in brief.facts],
        products=[_product_message(product) for product in brief.products],
        passages=[citable_message(passage) for passage in brief.passages],
        goal=brief.goal,
    )
    return pb.StreamAdviceRequest(brief=message, strictness=enum_value(pb.Strictness, "STRICTNESS", strictness))


def question_message(question: Question) -> pb.StreamAnswerRequest:
    """Return a question as a message."""
    return pb.StreamAnswerRequest(
        question=question.text,
        language=question.language,
        passages=[citable_message(passage) for passage in question.passages],
        facts=[fact_message(fact) for fact in question.facts],
        products=[_product_message(product) for product in question.products],
    )


def citable_message(citable: CitablePassage) -> pb.CitablePassage:
    """Return a passage under its handle as a message, exactly as retrieval sent it."""
    return pb.CitablePassage(handle=citable.handle, passage=passage_pb2.Passage.FromString(citable.passage.message))


def strictness_of(number: int) -> Strictness | None:
    """Return the freedom asked for; None leaves it to the advice service."""
    return enum_name(pb.Strictness, "STRICTNESS", number)  # type: ignore[return-value]


def advice_part_of(response: pb.StreamAdviceResponse) -> Segment | WritingSummary:
    """Return one part of an advice text. Raises ValueError where it holds none."""
    match response.WhichOneof("event"):
        case "segment":
            return segment_of(response.segment)
        case "summary":
            return WritingSummary(response.summary.model)
        case _:
            raise ValueError("a part of an advice text holds nothing")


def answer_part_of(response: pb.StreamAnswerResponse) -> Segment | Abstention | None:
    """Return one part of an answer; None for its summary."""
    match response.WhichOneof("event"):
        case "segment":
            return segment_of(response.segment)
        case "abstention":
            return Abstention(response.abstention.reason)
        case _:
            return None


def segment_of(message: segment_pb2.Segment) -> Segment:
    """Return a segment, with its message kept whole."""
    return Segment(
        sequence=message.sequence,
        kind=enum_name(segment_pb2.SegmentKind, "SEGMENT_KIND", message.kind) or "",
        language=message.language,
        text=message.text,
        unbound=_unbound(message),
        bindings=tuple(_binding_of(binding, message.text) for binding in message.bindings),
        message=message.SerializeToString(deterministic=True),
    )


def _binding_of(message: segment_pb2.Binding, text: str) -> Binding:
    shown = text[message.span.start : message.span.end]
    match message.WhichOneof("target"):
        case "fact_id":
            return Binding("FACT", message.fact_id, shown)
        case "product_id":
            return Binding("PRODUCT", message.product_id, shown)
        case "citation_handle":
            return Binding("CITATION", str(message.citation_handle), shown)
        case _:
            return Binding("NOTHING", "", shown)


def _unbound(message: segment_pb2.Segment) -> str:
    """Return the text without its bound stretches, a blank in the place of each."""
    spans = sorted((binding.span.start, binding.span.end) for binding in message.bindings)
    ends = [(0, 0), *spans, (len(message.text), len(message.text))]
    return " ".join(message.text[end:start] for (_, end), (start, _) in pairwise(ends))


def _product_message(product: NamedProduct) -> pb.BriefProduct:
    return pb.BriefProduct(
        product_id=product.product_id,
        name=text_message(product.name),
        asset_class=product.asset_class,
        asset_class_name=text_message(product.asset_class_name),
        main_risks=[text_message(risk) for risk in product.main_risks],
        held_today=product.held_today,
        proposed=product.proposed,
    )
