"""The method that turns texts into vectors."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from fiducia.retrieval.v1 import retrieval_service_pb2 as pb

from services.retrieval.encoder import Encoder
from services.retrieval.manifest import EncoderEntry
from services.retrieval.parse_library import parse_texts
from services.retrieval.parts import Parts
from services.retrieval.wire import encoder_message
from shared.errors import FieldViolation, InvalidRequest


class EmbedMethods:
    """EmbedTexts."""

    parts: Parts

    async def EmbedTexts(
        self, request: pb.EmbedTextsRequest, context: grpc.aio.ServicerContext
    ) -> pb.EmbedTextsResponse:
        """Return the vectors of texts."""
        texts = parse_texts(request)
        is_query = request.role == pb.TEXT_ROLE_QUERY
        return await self.parts.workers.run(lambda: self._embed(texts, request.encoder, is_query))

    def _embed(self, texts: list[str], name: str, is_query: bool) -> pb.EmbedTextsResponse:
        encoder, entry = self._chosen(name)
        _check_lengths(texts, encoder)
        vectors = encoder.embed_queries(texts) if is_query else encoder.embed_documents(texts)
        return pb.EmbedTextsResponse(
            vectors=[pb.Vector(values=vector.tolist()) for vector in vectors], encoder=encoder_message(entry)
        )

    def _chosen(self, name: str) -> tuple[Encoder, EncoderEntry]:
        running = zip(self.parts.loaded_encoders(), self.parts.shelf.get("").manifest.encoders, strict=True)
        by_name = {entry.name: (encoder, entry) for encoder, entry in running}
        if name and name not in by_name:
            raise InvalidRequest.of("encoder", f"found {name[:64]!r}, expected one of {', '.join(by_name)}")
        return by_name[name or next(iter(by_name))]


def _check_lengths(texts: Sequence[str], encoder: Encoder) -> None:
    limit = encoder.token_limit
    counts = [encoder.count_tokens(text) for text in texts]
    violations = [
        FieldViolation(f"texts[{number}]", f"has {count} tokens, {encoder.name} takes {limit}; split it")
        for number, count in enumerate(counts)
        if count > limit
    ]
    if violations:
        raise InvalidRequest(violations)
