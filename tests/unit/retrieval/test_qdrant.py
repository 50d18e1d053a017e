from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from qdrant_client import QdrantClient

from services.retrieval.faiss_index import FaissIndex
from services.retrieval.fill import fill
from services.retrieval.manifest import read_manifest
from services.retrieval.nearness import Searched, nearness
from services.retrieval.qdrant_store import QdrantStore, connect
from services.retrieval.relevance_file import relevance_for
from services.retrieval.search import Engine, Query, search
from services.retrieval.settings import RetrievalSettings
from services.retrieval.shelf import SnapshotShelf
from services.retrieval.snapshot_folder import load_snapshot
from services.retrieval.vector_store import FolderStore, store_for, vectors_folder
from shared.errors import UpstreamUnavailable
from shared.snapshots import SnapshotRefused, activate
from tests.unit.retrieval.samples import ENCODERS, LIBRARY, VTI, CountingEmbedder, builder, by_character, found

# The client's local mode compares with every point and says so.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Local mode performs exact:UserWarning"),
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning"),
]

# Nothing listens on the port of a reserved service.
NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def client() -> QdrantClient:
    return QdrantClient(":memory:")


def built(root: Path, client: QdrantClient, languages: tuple[str, ...] = ("en",)) -> Path:
    """Return the folder of a snapshot whose vectors were put into the store."""
    building = replace(builder(root, encoders=(found(languages=languages),)), store=QdrantStore(client))
    return root / building.build(LIBRARY)


def question(text: str) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = CountingEmbedder().embed_queries([text])[0]
    return vector


@pytest.mark.parametrize(
    "among", [[], [0], [1, 2], [0, 1, 2, 3, 4], [0, 2, 4], [1, 2, 3, 5], list(range(6)), list(range(99))]
)
def test_the_store_answers_as_the_index_in_files_does(among: list[int], tmp_path: Path, client: QdrantClient) -> None:
    folder = built(tmp_path, client, languages=("en", "zh"))
    files = FaissIndex.read(vectors_folder(folder, 0))
    asked = (question("Bond prices of listed companies"), np.array(among, dtype=np.int64))

    numbers, products = QdrantStore(client).open(folder, 0).nearest(*asked, 3)

    # Which of equally near ones makes the cut is the store's choice, so the products are compared.
    assert products.tolist() == files.nearest(*asked, 3)[1].tolist()
    assert products.tolist() == files.products(asked[0], numbers).tolist()
    assert np.isin(numbers, among).all()
    assert QdrantStore(client).open(folder, 0).products(*asked).tolist() == files.products(*asked).tolist()


def test_what_is_near_is_asked_of_the_store_however_few_there_are(tmp_path: Path, client: QdrantClient) -> None:
    index = QdrantStore(client).open(built(tmp_path, client), 0)

    near = nearness(index, question("Bond"), np.arange(1))

    assert isinstance(near, Searched)


def test_a_search_finds_by_meaning_what_the_store_proposes(tmp_path: Path, client: QdrantClient) -> None:
    folder = built(tmp_path, client)
    engine = Engine([CountingEmbedder()], relevance_for(["counting"], None))
    queries = [Query("Bond prices fall", 2, date(2026, 1, 1), min_relevance=0.0)]

    answers = [
        search(load_snapshot(folder, ENCODERS, by_character, *store), engine, queries)
        for store in ([QdrantStore(client)], [])
    ]

    assert answers[0] == answers[1]
    assert answers[0][0].hits[0].passage.document.id == "en-duration"


def test_putting_a_snapshot_again_writes_nothing(
    tmp_path: Path, client: QdrantClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = built(tmp_path, client)
    monkeypatch.setattr(client, "upsert", lambda *_: pytest.fail("written again"))

    QdrantStore(client).put(folder)


def test_a_snapshot_that_was_never_put_is_refused(tmp_path: Path, client: QdrantClient) -> None:
    folder = tmp_path / builder(tmp_path).build(LIBRARY)

    with pytest.raises(SnapshotRefused, match=r"no collection fiducia-.*; run: python -m services.retrieval.fill"):
        load_snapshot(folder, ENCODERS, by_character, QdrantStore(client))


def test_a_collection_left_half_filled_is_refused_until_it_is_put_again(tmp_path: Path, client: QdrantClient) -> None:
    folder = built(tmp_path, client)
    client.delete(f"fiducia-{folder.name}-0", [2])
    store = QdrantStore(client)

    with pytest.raises(SnapshotRefused, match="holds 3 vectors of 64, expected"):
        store.open(folder, 0)
    store.put(folder)

    assert store.open(folder, 0).nearest(question("Bond"), np.arange(9), 9)[0].size == 4


def test_a_collection_filled_from_other_vectors_is_refused(tmp_path: Path, client: QdrantClient) -> None:
    folder = built(tmp_path, client)
    client.update_collection(f"fiducia-{folder.name}-0", metadata={"digest": "0" * 64})

    with pytest.raises(SnapshotRefused, match="holds other vectors"):
        QdrantStore(client).open(folder, 0)


def test_an_empty_store_is_filled_from_the_snapshots_on_disk(tmp_path: Path, client: QdrantClient) -> None:
    folders = [tmp_path / builder(tmp_path).build(documents) for documents in (LIBRARY, [VTI])]

    fill(tmp_path, QdrantStore(client))

    assert [client.count(f"fiducia-{folder.name}-0").count for folder in folders] == [4, 2]


def test_the_settings_choose_the_store() -> None:
    chosen = [
        store_for(RetrievalSettings.model_validate(settings))
        for settings in ({}, {"retrieval_vector_store": "qdrant", "retrieval_qdrant_url": NOBODY})
    ]

    assert [type(store) for store in chosen] == [FolderStore, QdrantStore]


def test_a_damaged_snapshot_is_not_put(tmp_path: Path, client: QdrantClient) -> None:
    folder = tmp_path / builder(tmp_path).build(LIBRARY)
    (folder / "documents.jsonl").write_text("")

    with pytest.raises(SnapshotRefused, match="damaged"):
        QdrantStore(client).put(folder)


def test_dropping_a_snapshot_leaves_the_collections_of_others(tmp_path: Path, client: QdrantClient) -> None:
    first = built(tmp_path, client)
    second = tmp_path / replace(builder(tmp_path), store=QdrantStore(client)).build([VTI])

    QdrantStore(client).drop(first.name)

    assert [one.name for one in client.get_collections().collections] == [f"fiducia-{second.name}-0"]


def test_a_build_does_not_begin_where_the_store_does_not_answer(tmp_path: Path) -> None:
    building = replace(builder(tmp_path), store=QdrantStore(connect(NOBODY, None)))

    with pytest.raises(UpstreamUnavailable, match="qdrant does not answer"):
        building.build(LIBRARY)

    assert list(tmp_path.iterdir()) == []


def test_a_search_says_that_the_store_went_away(
    tmp_path: Path, client: QdrantClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = QdrantStore(client).open(built(tmp_path, client), 0)
    monkeypatch.setattr(client, "query_points", connect(NOBODY, None).query_points)

    with pytest.raises(UpstreamUnavailable, match="qdrant does not answer"):
        index.nearest(question("Bond"), np.arange(9), 9)


def test_a_service_waits_for_a_store_that_is_down_and_then_serves(tmp_path: Path, client: QdrantClient) -> None:
    folder = built(tmp_path, client)
    activate(tmp_path, folder.name)
    stores = [QdrantStore(connect(NOBODY, None)), QdrantStore(connect(NOBODY, None)), QdrantStore(client)]
    shelf = SnapshotShelf(tmp_path, lambda one: load_snapshot(one, ENCODERS, by_character, stores.pop(0)), kept=0)

    changes = [shelf.refresh() for _ in range(3)]

    assert changes == [False, False, True]
    assert shelf.active is not None
    assert shelf.active.manifest == read_manifest(folder)
