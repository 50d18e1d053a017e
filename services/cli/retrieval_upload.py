"""The messages of an import: the plan, then each file in parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fiducia.retrieval.v1 import import_pb2

from services.cli.retrieval_files import LeftOut, Sent

PART_BYTES = 1 << 20

Request = import_pb2.ImportDocumentsRequest


def messages(plan: import_pb2.ImportPlan, files: Sequence[Sent], left_out: list[LeftOut]) -> Iterator[Request]:
    """Yield the messages; a file that can no longer be read is put to those left out, never sent in part."""
    yield Request(plan=plan)
    for one in files:
        try:
            # Whole, for a file that fails in its middle could not be taken back; the largest has 50 MiB.
            content = one.path.read_bytes()
        except OSError as error:
            left_out.append(LeftOut(one.name, f"not readable any more ({error.strerror})", is_fault=True))
            continue
        yield Request(document=import_pb2.DocumentUpload(path=one.name, content=content[:PART_BYTES]))
        for start in range(PART_BYTES, len(content), PART_BYTES):
            yield Request(more=content[start : start + PART_BYTES])
