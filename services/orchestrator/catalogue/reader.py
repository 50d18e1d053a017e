"""Read the files below kb/, remembering which entry came from where and every fault on the way."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from services.orchestrator.catalogue.questionnaire import Questionnaire
from services.orchestrator.catalogue.rules import RulePack
from services.orchestrator.catalogue.schema import Product
from shared.assumptions import AssumptionSet
from shared.entries import Entry, read_entry
from shared.problems import KnowledgeBaseError, Problem, file_name

FOLDERS = ("products", "assumptions", "rules", "questionnaires")

Shape = TypeVar("Shape")
Named = TypeVar("Named", Product, AssumptionSet, RulePack, Questionnaire)


class Reader:
    """Reads entries, remembers the file of each, and collects problems instead of stopping at the first."""

    def __init__(self, kb: Path) -> None:
        self._kb = kb.resolve()
        self._seen: set[Path] = set()
        self.entries: dict[str, Entry] = {}
        self.problems: list[Problem] = []

    def all_of(self, pattern: str, model: type[Named]) -> dict[str, Named]:
        """Return the entries of all files that match, by id; the name of a file is the id of its entry."""
        found: dict[str, Named] = {}
        paths = sorted(self._kb.glob(pattern))
        if not paths:
            self._refuse(self._kb / pattern, "", "no such file, expected one at least; add one")
        for path in paths:
            entry = self._read(path, model)
            if entry is None:
                continue
            if entry.id != path.stem:
                self._refuse(path, "id", f"found {entry.id}, expected {path.stem}, the name of the file; rename either")
            if entry.id in found:
                self._refuse(path, "id", f"{entry.id} is the id of another file too; remove one")
            found[entry.id] = entry
        return found

    def newest_of(self, pattern: str, model: type[AssumptionSet]) -> AssumptionSet | None:
        """Return the entry with the latest `as_of`, or None; older ones stay in the folder as a history."""
        found = sorted(self.all_of(pattern, model).values(), key=lambda entry: entry.as_of)
        if len(found) > 1 and found[-1].as_of == found[-2].as_of:
            both = f"{found[-2].id} and {found[-1].id}"
            self._refuse(self._kb / pattern, "as_of", f"{both} have the same date; the newest is in force, change one")
        return found[-1] if found else None

    def one(self, name: str, shape: type[Shape]) -> Shape | None:
        """Return what the file with this name describes, or None if it is faulty."""
        return self._read(self._kb / name, shape)

    def refuse_rival_packs(self, packs: dict[str, RulePack]) -> None:
        """Refuse two packs for one jurisdiction: which of them binds would be left open."""
        taken: dict[str, str] = {}
        for pack in packs.values():
            other = taken.setdefault(pack.jurisdiction, pack.id)
            if other != pack.id:
                path = self._kb / "rules" / f"{pack.id}.yaml"
                self._refuse(path, "jurisdiction", f"{pack.jurisdiction} already has the pack {other}; remove one")

    def refuse_strays(self) -> None:
        """Refuse YAML files that no pattern covers: a fund in the wrong place would be left out in silence."""
        for folder in FOLDERS:
            for path in sorted((self._kb / folder).rglob("*.y*ml")):
                if path not in self._seen:
                    self._refuse(path, "", "not read: wrong folder, name or ending; move or rename it")

    def _read(self, path: Path, shape: type[Shape]) -> Shape | None:
        self._seen.add(path)
        try:
            entry = read_entry(path, self._file(path), shape)
        except KnowledgeBaseError as error:
            self.problems += error.problems
            return None
        if isinstance(entry, Entry):
            self.entries[self._file(path)] = entry
        return entry

    def _refuse(self, path: Path, field: str, reason: str) -> None:
        self.problems.append(Problem(self._file(path), field, reason))

    def _file(self, path: Path) -> str:
        return file_name(self._kb, path)
