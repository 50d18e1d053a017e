"""The vectors of snapshots in a Qdrant server: a collection for each snapshot and encoder."""

from __future__ import annotations

from pathlib import Path

from qdrant_client import QdrantClient, models

from services.retrieval.manifest import Manifest, is_intact, read_manifest
from services.retrieval.qdrant_index import NUMBER, QdrantIndex, reached
from services.retrieval.vector_rows import VectorRows
from services.retrieval.vector_store import vectors_folder
from shared.snapshots import SnapshotRefused

_DIGEST = "digest"
# A batch of 384 numbers each is 2 MB of JSON; the server takes up to 32 MB.
_BATCH = 256
# A server that is down refuses at once; one that hangs must not hold every worker.
_TIMEOUT_SECONDS = 10


def connect(url: str, key: str | None) -> QdrantClient:
    """Return a client; nothing is sent before the first call."""
    return QdrantClient(url=url, api_key=key, timeout=_TIMEOUT_SECONDS, check_compatibility=False)


class QdrantStore:
    """Puts, opens and drops collections; each carries the digest of the file of vectors that it was filled from.

    Snapshots are immutable and so are their collections: machines that put the same one write the same points.
    """

    def __init__(self, client: QdrantClient) -> None:
        self._client = client

    def reach(self) -> None:
        """Return where the server answers. Raises UpstreamUnavailable."""
        with reached():
            self._client.get_collections()

    def put(self, folder: Path) -> None:
        """Fill the collections of the snapshot in a folder; those that are complete stay.

        Raises SnapshotRefused where the folder is damaged, UpstreamUnavailable.
        """
        manifest = read_manifest(folder)
        missing = [number for number in range(len(manifest.encoders)) if self._complaint(folder, manifest, number)]
        if missing and not is_intact(folder):
            raise SnapshotRefused(f"index {folder.name} is damaged and cannot be put into qdrant")
        for number in missing:
            self._fill(folder, manifest, number)

    def open(self, folder: Path, encoder: int) -> QdrantIndex:
        """Return the vectors of a snapshot by its encoder of this number.

        Raises SnapshotRefused where the collection is missing, incomplete or another's; UpstreamUnavailable.
        """
        if complaint := self._complaint(folder, read_manifest(folder), encoder):
            raise SnapshotRefused(
                f"index {folder.name} is refused: {complaint}; run: python -m services.retrieval.fill"
            )
        return QdrantIndex(self._client, _collection(folder.name, encoder), _rows(folder, encoder))

    def drop(self, snapshot_id: str) -> None:
        """Delete the collections of a snapshot. Raises UpstreamUnavailable."""
        with reached():
            for one in self._client.get_collections().collections:
                if one.name.startswith(_collection(snapshot_id, "")):
                    self._client.delete_collection(one.name)

    def _complaint(self, folder: Path, manifest: Manifest, encoder: int) -> str:
        """Return what keeps a collection from being searched, "" where nothing does."""
        name, wanted = _collection(folder.name, encoder), _rows(folder, encoder)
        with reached():
            if not self._client.collection_exists(name):
                return f"qdrant has no collection {name}"
            found = self._client.get_collection(name)
            count = self._client.count(name, exact=True).count
        if (found.config.metadata or {}).get(_DIGEST) != _digest(manifest, encoder):
            return f"collection {name} holds other vectors"
        size = getattr(found.config.params.vectors, "size", None)
        if size != wanted.dimension or count != len(wanted.numbers):
            return f"collection {name} holds {count} vectors of {size}, expected {wanted.vectors.shape}"
        return ""

    def _fill(self, folder: Path, manifest: Manifest, encoder: int) -> None:
        name, rows = _collection(folder.name, encoder), _rows(folder, encoder)
        with reached():
            self._client.delete_collection(name)
            self._client.create_collection(
                name,
                vectors_config=models.VectorParams(size=rows.dimension, distance=models.Distance.DOT),
                metadata={_DIGEST: _digest(manifest, encoder)},
            )
            self._client.create_payload_index(name, NUMBER, models.PayloadSchemaType.INTEGER)
            for start in range(0, len(rows.numbers), _BATCH):
                numbers = rows.numbers[start : start + _BATCH].tolist()
                vectors = rows.vectors[start : start + _BATCH].tolist()
                payloads = [{NUMBER: number} for number in numbers]
                self._client.upsert(name, models.Batch(ids=numbers, vectors=vectors, payloads=payloads))


def _collection(snapshot_id: str, encoder: int | str) -> str:
    return f"fiducia-{snapshot_id}-{encoder}"


def _digest(manifest: Manifest, encoder: int) -> str:
    return manifest.files[vectors_folder(Path(), encoder).joinpath(VectorRows.FILE).as_posix()]


def _rows(folder: Path, encoder: int) -> VectorRows:
    try:
        return VectorRows.read(vectors_folder(folder, encoder))
    except (OSError, ValueError) as error:
        raise SnapshotRefused(f"index {folder.name} is refused: its vectors cannot be read ({error})") from error
