"""Small documents, a small knowledge base and a hand-written embedder for tests of retrieval."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.retrieval.encoder import FoundEncoder
from services.retrieval.ingest.build import Builder
from services.retrieval.passage import Document, DocumentKind, TrustLevel

_PIECE = re.compile(r"[\u3400-\u9fff]|\w+|[^\w\s]")


class CountingEmbedder:
    """An embedder that obeys the Protocols: a text's vector counts its words, in 64 hashed places.

    A token is a Chinese character, a word or a sign; texts beyond the limit are refused.
    """

    def __init__(self, token_limit: int = 40, name: str = "counting", digest: str = "c" * 64) -> None:
        self.name = name
        self.digest = digest
        self.token_limit = token_limit
        self.dimension = 64
        self.batches: list[list[str]] = []

    def count_tokens(self, text: str) -> int:
        return len(_PIECE.findall(text))

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._embed(texts)

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._embed(texts)

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        assert all(self.count_tokens(text) <= self.token_limit for text in texts)
        self.batches.append(list(texts))
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in _PIECE.findall(text.casefold()):
                row[zlib.crc32(word.encode()) % self.dimension] += 1
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def found(
    embedder: CountingEmbedder | None = None,
    name: str = "counting",
    digest: str = "c" * 64,
    languages: tuple[str, ...] = ("en",),
) -> FoundEncoder:
    """Return what is known of a counting embedder before it is opened."""
    opened = embedder or CountingEmbedder(name=name, digest=digest)
    return FoundEncoder(name, digest, languages, lambda: opened)


ENCODERS = (found(),)
OTHER_ENCODERS = (found(name="other", digest="d" * 64),)


def by_character(text: str) -> list[str]:
    """Segment Chinese text into single characters."""
    return list(text)


GUIDE = Document(
    id="en-duration",
    title="Duration",
    language="en",
    kind=DocumentKind.GUIDE,
    text="## Prices and yields\nBond prices fall when yields rise.\n\n## Horizon\nMatch duration to the horizon.",
    source="Fiducia knowledge base",
    licence="Apache-2.0",
    trust=TrustLevel.FIRM_APPROVED,
)

VTI = replace(
    GUIDE,
    id="VTI-factsheet-en",
    title="Total Market ETF factsheet",
    kind=DocumentKind.FACTSHEET,
    text="## What it holds\nNearly every listed company of the United States.\n\n## What can go wrong\nShares fall.",
    source="Vanguard",
    product_id="VTI",
    keywords=("whole market",),
    asset_classes=("us_large_equity",),
    risk_levels=("R3",),
    jurisdictions=("US",),
)

CSI300 = replace(
    GUIDE,
    id="510300-factsheet-zh",
    title="沪深300ETF产品概要",
    language="zh",
    kind=DocumentKind.FACTSHEET,
    text="## 持有什么\n持有沪深两市规模最大的公司。\n\n## 适合谁\n适合投资期限较长的投资者。",
    source="华泰柏瑞基金",
    product_id="510300",
    asset_classes=("cn_large_equity",),
    risk_levels=("R4",),
    jurisdictions=("CN",),
)

LIBRARY = (CSI300, VTI, GUIDE)


def builder(
    root: Path, embedder: CountingEmbedder | None = None, encoders: tuple[FoundEncoder, ...] | None = None
) -> Builder:
    """Return a builder over one counting embedder of English, or over these encoders, that tells nobody."""
    return Builder(
        root=root,
        encoders=encoders or (found(embedder),),
        open_segmenter=lambda: by_character,
        workers=2,
        tell=lambda event, numbers: None,
    )


ASSUMPTIONS = "classes:\n  us_large_equity: {}\n  cn_large_equity: {}\n"

GUIDE_FILE = """---
id: en-fees
title: Fees
language: en
kind: GUIDE
jurisdictions: [US, CN]
source: Fiducia knowledge base
licence: Apache-2.0
trust: FIRM_APPROVED
effective: 2026-01-01
topics: [fees]
---

## What the expense ratio is
The expense ratio is the yearly fee of a fund as a share of its value.

## How fees compound
A small fee taken every year becomes a large sum over decades.
"""

PRODUCT_FILE = """id: VTI
name: {en: "Total Market ETF"}
aliases: ["whole market fund"]
asset_class: us_large_equity
jurisdictions: [US]
issuer: {value: Vanguard, source: general-knowledge, verified: false}
risk_level: {basis: derived, level: R3, rule: bands}
expense_ratio: {value: 0.0003, as_of: 2021-06-30, source: fees, verified: true}
factsheet:
  en: |
    ## What it holds
    Nearly every listed company of the United States.

    ## What can go wrong
    Shares can halve in a crisis.
"""

CHINESE_PRODUCT_FILE = """id: "510300"
name: {en: "CSI 300 ETF", zh: "沪深300ETF"}
asset_class: cn_large_equity
jurisdictions: [CN]
issuer: {value: "Huatai-PineBridge (华泰柏瑞)", source: cn-etf-list, verified: true}
risk_level: {basis: derived, level: R4, rule: bands}
factsheet:
  en: |
    ## What it holds
    The three hundred largest companies of Shanghai and Shenzhen.
  zh: |
    ## 持有什么
    持有沪深两市规模最大的三百家公司。

    ## 适合谁
    适合投资期限较长、能承受波动的投资者。
"""


def write_kb(folder: Path) -> Path:
    """Write a knowledge base of one guide and two products, and return its folder."""
    files = {
        "assumptions/set.yaml": ASSUMPTIONS,
        "guides/en/fees.md": GUIDE_FILE,
        "products/us/VTI.yaml": PRODUCT_FILE,
        "products/cn/510300.yaml": CHINESE_PRODUCT_FILE,
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder
