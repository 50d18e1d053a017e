"""Settings of the retrieval service and of its ingest: FIDUCIA_RETRIEVAL_…"""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from services.retrieval.fusion import DENSE_WEIGHT
from services.retrieval.model_folder import EMBEDDED
from shared.settings import ServerSettings


class RetrievalSettings(ServerSettings):
    """How passages are embedded, searched and kept; indexes live in `data_dir`/index."""

    retrieval_embedder: Annotated[str, Field(min_length=1)] = EMBEDDED
    """The embedding model: the embedded one, the name of a model on a hub, or the folder of one."""

    retrieval_embedder_languages: Annotated[tuple[Literal["en", "zh"], ...], NoDecode] = ("en",)
    """Languages the embedder understands, such as "en,zh"; others are searched by words alone. Used by ingest."""

    retrieval_dense_weight: float = Field(default=DENSE_WEIGHT, ge=0.0, le=1.0)
    """Share of meaning, against words, in a score; measured for the embedded model."""

    retrieval_workers: int = Field(default_factory=lambda: min(os.cpu_count() or 1, 8), ge=1)
    """Searches that run at the same time, a thread each."""

    retrieval_queue: int = Field(default=64, ge=0)
    """Searches that may wait for a worker; more are refused with CAPACITY."""

    retrieval_kept_snapshots: int = Field(default=2, ge=0)
    """Snapshots besides the active one that stay in memory."""

    retrieval_poll_seconds: float = Field(default=1.0, gt=0.0)
    """How often the pointer to the active snapshot is read."""

    @field_validator("retrieval_embedder_languages", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value
