"""Read kb/ into a catalogue, refuse it with every fault at once, and write it under its digest."""

from __future__ import annotations

from pathlib import Path

from services.orchestrator.catalogue.check import problems_across
from services.orchestrator.catalogue.load import CATALOGUE_FILE, Catalogue
from services.orchestrator.catalogue.questionnaire import Questionnaire
from services.orchestrator.catalogue.reader import Reader
from services.orchestrator.catalogue.rules import LevelRule, RulePack
from services.orchestrator.catalogue.schema import Product, Source
from shared.assumptions import AssumptionSet
from shared.problems import KnowledgeBaseError
from shared.snapshots import activate, replace_file


def build_catalogue(kb: Path, out: Path) -> str:
    """Write the catalogue of `kb` to out/<digest>/catalogue.json, make it the active one, return its digest.

    Each file is replaced whole, so a reader sees the old catalogue or the new one. Raises KnowledgeBaseError.
    """
    catalogue = read_knowledge_base(kb)
    replace_file(out / catalogue.digest / CATALOGUE_FILE, catalogue.canonical_bytes())
    activate(out, catalogue.digest)
    return catalogue.digest


def read_knowledge_base(kb: Path) -> Catalogue:
    """Return the catalogue that the files below `kb` describe, or raise KnowledgeBaseError with every fault."""
    reader = Reader(kb)
    questionnaires = reader.all_of("questionnaires/*.yaml", Questionnaire)
    packs = reader.all_of("rules/suitability-*.yaml", RulePack)
    assumptions = reader.newest_of("assumptions/*.yaml", AssumptionSet)
    level_rule = reader.one("rules/product_risk_level.yaml", LevelRule)
    sources = reader.one("sources.yaml", dict[str, Source])
    reader.refuse_rival_packs(packs)
    is_frame_sound = not reader.problems
    products = reader.all_of("products/*/*.yaml", Product)
    reader.refuse_strays()
    # Products are judged by the frame: against a faulty one they would only add noise.
    if not is_frame_sound or assumptions is None or level_rule is None or sources is None:
        raise KnowledgeBaseError(reader.problems)
    catalogue = Catalogue(
        products=products,
        assumptions=assumptions,
        level_rule=level_rule,
        packs={pack.jurisdiction: pack for pack in packs.values()},
        questionnaires=questionnaires,
        sources=sources,
    )
    reader.problems += problems_across(catalogue, reader.entries)
    if reader.problems:
        raise KnowledgeBaseError(reader.problems)
    return catalogue
