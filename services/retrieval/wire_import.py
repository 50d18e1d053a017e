"""What an import tells as messages of the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fiducia.retrieval.v1 import import_pb2 as pb


def response_of(event: Mapping[str, Any]) -> pb.ImportDocumentsResponse | None:
    """Return the message for an event of the import's process, None for what only its log needs."""
    make = _RESPONSES.get(event["event"])
    return make(event) if make else None


def _progress(stage: pb.ImportStage.ValueType) -> Callable[[Mapping[str, Any]], pb.ImportDocumentsResponse]:
    def response(event: Mapping[str, Any]) -> pb.ImportDocumentsResponse:
        total = event.get("of", event.get("passages", 0))
        return pb.ImportDocumentsResponse(
            progress=pb.ImportProgress(stage=stage, done=event.get("done", 0), total=total)
        )

    return response


def _rejected(event: Mapping[str, Any]) -> pb.ImportDocumentsResponse:
    return pb.ImportDocumentsResponse(
        rejected=pb.RejectedDocument(path=event["path"], field=event["field"], description=event["description"])
    )


def _outcome(event: Mapping[str, Any]) -> pb.ImportDocumentsResponse:
    return pb.ImportDocumentsResponse(
        outcome=pb.ImportOutcome(
            index_snapshot=event["digest"],
            active=event["active"],
            added_count=event["added"],
            changed_count=event["changed"],
            deleted_count=event["deleted"],
            unchanged_count=event["unchanged"],
            rejected_count=event["rejected"],
            passage_count=event["passages"],
            flagged_passage_count=event["flagged"],
        )
    )


_RESPONSES: Mapping[str, Callable[[Mapping[str, Any]], pb.ImportDocumentsResponse]] = {
    "reading": _progress(pb.IMPORT_STAGE_READING),
    "embedding": _progress(pb.IMPORT_STAGE_EMBEDDING),
    "embedded": _progress(pb.IMPORT_STAGE_EMBEDDING),
    "writing": _progress(pb.IMPORT_STAGE_WRITING),
    "rejected": _rejected,
    "done": _outcome,
}
