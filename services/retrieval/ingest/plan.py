"""How documents are imported, as a file between the service and the process that does it."""

from __future__ import annotations

from dataclasses import field

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from services.retrieval.ingest.imported import Defaults
from services.retrieval.ingest.merge import Mode


@dataclass(frozen=True)
class Plan:
    """How documents are imported; the fields mean what those of ImportPlan mean."""

    collection: str
    mode: Mode
    delete_document_ids: tuple[str, ...] = ()
    activate: bool = False
    defaults: Defaults = field(default_factory=Defaults)

    def to_json(self) -> str:
        """Return the content of a plan file."""
        return _ADAPTER.dump_json(self).decode()

    @staticmethod
    def from_json(content: str) -> Plan:
        """Return the plan that `to_json` wrote."""
        return _ADAPTER.validate_json(content)


_ADAPTER = TypeAdapter(Plan)
