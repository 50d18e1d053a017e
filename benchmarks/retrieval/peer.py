"""Asks one peer all questions of a set and prints what it ranks as JSON. Runs in the peers' own environment.

python peer.py NAME FOLDER

FOLDER/vectors.npz: passages (passages, dimension) and questions (questions, dimension), of length one.
FOLDER/texts.json:  {"language": "en", "zh" or "mixed", "passages": [...], "questions": [...]}.
Prints {"version": ..., "how": ..., "ranked": [[passage numbers, best first], ...]}.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

# Results asked for, and how many each half of a hybrid search hands to the fusion.
_WANTED = 30
_PREFETCH = 200
_BATCH = 500


@dataclass(frozen=True)
class Task:
    """What is indexed and asked."""

    language: str
    passages: list[str]
    questions: list[str]
    passage_vectors: Any
    question_vectors: Any


@dataclass(frozen=True)
class Answer:
    """Passage numbers for each question, best first, and how the peer was set up."""

    ranked: list[list[int]]
    how: str


def qdrant(task: Task) -> Answer:
    """Dense vectors and BM25 fused by Query API in local mode; sparse vectors by Qdrant's own embedder."""
    models, edge = import_module("qdrant_client.models"), import_module("qdrant_edge")
    has_chinese = task.language != "en"
    # Chinese needs the tokenizer that finds words; stemming and stop words are English ones.
    tokenizer = edge.TokenizerType.Multilingual if has_chinese else edge.TokenizerType.Word
    embedder = edge.Bm25(
        edge.Bm25Config(tokenizer=tokenizer, language="chinese" if task.language == "zh" else "english")
    )

    def sparse(embedded: Any) -> Any:
        return models.SparseVector(indices=embedded.indices, values=embedded.values)

    client = import_module("qdrant_client").QdrantClient(":memory:")
    client.create_collection(
        "passages",
        vectors_config={
            "dense": models.VectorParams(size=task.passage_vectors.shape[1], distance=models.Distance.COSINE)
        },
        sparse_vectors_config={"words": models.SparseVectorParams(modifier=models.Modifier.IDF)},
    )
    for start in range(0, len(task.passages), _BATCH):
        points = [
            models.PointStruct(
                id=number,
                vector={
                    "dense": task.passage_vectors[number].tolist(),
                    "words": sparse(embedder.embed_document(task.passages[number])),
                },
            )
            for number in range(start, min(start + _BATCH, len(task.passages)))
        ]
        client.upsert("passages", points)
    ranked = []
    for text, vector in zip(task.questions, task.question_vectors, strict=True):
        words = sparse(embedder.embed_query(text))
        halves = [models.Prefetch(query=vector.tolist(), using="dense", limit=_PREFETCH)]
        if words.indices:
            halves.append(models.Prefetch(query=words, using="words", limit=_PREFETCH))
        fusion = models.FusionQuery(fusion=models.Fusion.RRF)
        found = client.query_points("passages", prefetch=halves, query=fusion, limit=_WANTED)
        ranked.append([point.id for point in found.points])
    which = "multilingual" if has_chinese else "word"
    return Answer(ranked, f"local mode, BM25 of qdrant-edge with the {which} tokenizer, RRF")


def lancedb(task: Task) -> Answer:
    """Vector and full-text search with the default reranker (RRF); jieba's own dictionary where there is Chinese."""
    has_chinese = task.language != "en"
    if has_chinese:
        _give_dictionary()
    db = import_module("lancedb").connect(tempfile.mkdtemp())
    rows = [
        {"id": number, "text": text, "vector": vector}
        for number, (text, vector) in enumerate(zip(task.passages, task.passage_vectors, strict=True))
    ]
    table = db.create_table("passages", rows)
    table.create_fts_index("text", base_tokenizer="jieba/default" if has_chinese else "simple")
    ranked = []
    for text, vector in zip(task.questions, task.question_vectors, strict=True):
        match = import_module("lancedb.query").MatchQuery(text, "text")
        found = table.search(query_type="hybrid").vector(vector).text(match).distance_type("cosine").limit(_WANTED)
        ranked.append([row["id"] for row in found.to_list()])
    return Answer(ranked, f"full-text search with the {'jieba' if has_chinese else 'simple'} tokenizer, RRF")


def _give_dictionary() -> None:
    """Put the dictionary of the package jieba where LanceDB's tokenizer looks for it."""
    home = Path(tempfile.mkdtemp())
    (home / "jieba" / "default").mkdir(parents=True)
    dictionary = Path(import_module("jieba").__file__ or "").with_name("dict.txt")
    (home / "jieba" / "default" / "dict.txt").write_bytes(dictionary.read_bytes())
    os.environ["LANCE_LANGUAGE_MODEL_HOME"] = str(home)


def milvus(task: Task) -> Answer:
    """Dense vectors and the BM25 function fused by RRFRanker in Milvus Lite."""
    pymilvus = import_module("pymilvus")
    kind = pymilvus.DataType
    # Of the analyzers of Milvus it has these two.
    analyzer = {"tokenizer": "standard" if task.language == "en" else "jieba"}
    client = pymilvus.MilvusClient(str(Path(tempfile.mkdtemp()) / "peer.db"))
    schema = client.create_schema()
    schema.add_field("id", kind.INT64, is_primary=True)
    schema.add_field("text", kind.VARCHAR, max_length=60_000, enable_analyzer=True, analyzer_params=analyzer)
    schema.add_field("dense", kind.FLOAT_VECTOR, dim=task.passage_vectors.shape[1])
    schema.add_field("words", kind.SPARSE_FLOAT_VECTOR)
    schema.add_function(
        pymilvus.Function(
            name="bm25",
            function_type=pymilvus.FunctionType.BM25,
            input_field_names=["text"],
            output_field_names=["words"],
        )
    )
    index = client.prepare_index_params()
    index.add_index("dense", index_type="FLAT", metric_type="COSINE")
    index.add_index("words", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
    client.create_collection("passages", schema=schema, index_params=index)
    for start in range(0, len(task.passages), _BATCH):
        rows = [
            {"id": number, "text": task.passages[number], "dense": task.passage_vectors[number].tolist()}
            for number in range(start, min(start + _BATCH, len(task.passages)))
        ]
        client.insert("passages", rows)
    client.flush("passages")
    client.load_collection("passages")
    ranked = []
    for text, vector in zip(task.questions, task.question_vectors, strict=True):
        request = pymilvus.AnnSearchRequest
        halves = [
            request([vector.tolist()], "dense", {"metric_type": "COSINE"}, _PREFETCH),
            request([text], "words", {"metric_type": "BM25"}, _PREFETCH),
        ]
        (found,) = client.hybrid_search("passages", halves, pymilvus.RRFRanker(), limit=_WANTED)
        ranked.append([hit["id"] for hit in found])
    return Answer(ranked, f"Milvus Lite, BM25 with the {analyzer['tokenizer']} tokenizer, RRFRanker")


PEERS = {"Qdrant": ("qdrant-client", qdrant), "LanceDB": ("lancedb", lancedb), "Milvus Lite": ("milvus-lite", milvus)}


def main() -> None:
    """Ask the peer that the command line names."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    package, ask = PEERS[name]
    texts = json.loads((folder / "texts.json").read_text())
    with np.load(folder / "vectors.npz") as vectors:
        answer = ask(
            Task(texts["language"], texts["passages"], texts["questions"], vectors["passages"], vectors["questions"])
        )
    print(json.dumps({"version": importlib.metadata.version(package), "how": answer.how, "ranked": answer.ranked}))


if __name__ == "__main__":
    main()
