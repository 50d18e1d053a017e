"""A proposal's state, folded from its events."""

from __future__ import annotations

from collections.abc import Iterable

from fiducia.advisor.v1 import proposal_pb2 as pb
from google.protobuf.message import DecodeError

from services.orchestrator.records.chain import EventLabel, StoredEvent


def label_of(message: bytes) -> EventLabel | None:
    """Return what an event's bytes say of themselves, or None if they are no event."""
    try:
        event = pb.ProposalEvent.FromString(message)
    except DecodeError:
        return None
    return EventLabel(event.proposal_id, event.sequence, event.WhichOneof("event") or "")


def fold(events: Iterable[StoredEvent]) -> pb.Proposal:
    """Return the proposal as its events, from the first, leave it."""
    proposal = pb.Proposal()
    for stored in events:
        apply(proposal, pb.ProposalEvent.FromString(stored.message), stored.digest)
    return proposal


def apply(proposal: pb.Proposal, event: pb.ProposalEvent, digest: bytes) -> None:
    """Bring a proposal up to one more event; digest: that of the event.

    A completed proposal is taken over whole: it names itself the digest of the event before it, as no message can
    hold its own. A recommendation becomes the outcome only then: until the rules are checked there is none.
    """
    match event.WhichOneof("event"):
        case "created":
            proposal.CopyFrom(event.created)
        case "completed":
            proposal.CopyFrom(event.completed)
            return
        case "profile_scored":
            proposal.profile.CopyFrom(event.profile_scored)
        case "universe_selected":
            proposal.universe.CopyFrom(event.universe_selected)
        case "facts_recorded":
            proposal.facts.extend(event.facts_recorded.facts)
            proposal.passages.extend(event.facts_recorded.passages)
        case "segment_verified":
            proposal.segments.append(event.segment_verified)
        case "findings_recorded":
            proposal.findings.extend(event.findings_recorded.findings)
    stamp(proposal, event, digest)


def stamp(proposal: pb.Proposal, event: pb.ProposalEvent, digest: bytes) -> None:
    """Mark a proposal with the event that changed it last and a digest of the chain."""
    proposal.update_time.CopyFrom(event.create_time)
    proposal.last_sequence = event.sequence
    proposal.record_digest = digest.hex()
    proposal.etag = f"{event.sequence}-{digest.hex()[:16]}"


def without_texts(proposal: pb.Proposal) -> pb.Proposal:
    """Return the proposal as a list shows it: without texts, facts and passages."""
    short = pb.Proposal()
    short.CopyFrom(proposal)
    for field in ("facts", "segments", "passages"):
        short.ClearField(field)
    return short
