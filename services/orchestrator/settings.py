"""Settings of the orchestrator: FIDUCIA_RETRIEVAL_ADDRESS, FIDUCIA_RECORDS_URL and so on."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shared.settings import ServerSettings

Seconds = Annotated[float, Field(gt=0.0)]


class OrchestratorSettings(ServerSettings):
    """Where the other services are, where records are kept, and how much is done at a time."""

    retrieval_address: str = "127.0.0.1:50051"
    """Address of the retrieval service; dns:///name:port reaches every replica."""

    optimizer_address: str = "127.0.0.1:50052"
    """Address of the optimizer service."""

    advice_address: str = "127.0.0.1:50053"
    """Address of the advice service."""

    records_url: str = ""
    """SQLAlchemy URL of the records; empty: records.db in the data folder, by SQLite."""

    max_running_proposals: Annotated[int, Field(ge=1)] = 4
    """Proposals worked on at the same time; a model server serves more of them better than one."""

    max_queued_proposals: Annotated[int, Field(ge=0)] = 64
    """Accepted proposals that may wait for their turn; more are refused with CAPACITY."""

    retrieval_deadline_seconds: Seconds = 15.0
    """Deadline of one batch of searches."""

    optimizer_deadline_seconds: Seconds = 30.0
    """Deadline of one portfolio."""

    advice_deadline_seconds: Seconds = 600.0
    """Deadline of one whole text; a small model on a busy CPU takes minutes."""

    catalogue_poll_seconds: Seconds = 1.0
    """How often to look for a new catalogue."""

    @property
    def records(self) -> str:
        """The URL of the records."""
        return self.records_url or f"sqlite:///{self.data_dir / 'records.db'}"
