"""Writers for tests: they obey the Protocol of services.advice.writer."""

from __future__ import annotations

import asyncio
import random
import re

from services.advice.prompt import Prompt
from services.advice.writer import ModelState, WriterUnavailable

_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')


class ChoosingWriter:
    """Writes what the narrow grammar allows: an order, and an alternative of each rule, by a seeded choice."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self.prompts: list[Prompt] = []
        self.grammars: list[str] = []

    async def write(self, prompt: Prompt, grammar: str, max_tokens: int) -> str:
        """Return one output of the grammar."""
        self.prompts.append(prompt)
        self.grammars.append(grammar)
        return sampled(grammar, self._random)

    async def state(self) -> ModelState:
        """Return that the model answers."""
        return ModelState("chooser", available=True)


class SayingWriter(ChoosingWriter):
    """Always writes the same text, whatever the grammar."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    async def write(self, prompt: Prompt, grammar: str, max_tokens: int) -> str:
        """Return the text."""
        self.prompts.append(prompt)
        return self._text


class FailingWriter(ChoosingWriter):
    """Answers that it is there and then fails."""

    async def write(self, prompt: Prompt, grammar: str, max_tokens: int) -> str:
        """Raise WriterUnavailable."""
        self.prompts.append(prompt)
        raise WriterUnavailable("the model took too long")


class AbsentWriter(ChoosingWriter):
    """A model server that does not answer."""

    async def state(self) -> ModelState:
        """Return that the model does not answer."""
        return ModelState("", available=False)


class HangingWriter(ChoosingWriter):
    """Never finishes; tells when it was begun and when it was cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def write(self, prompt: Prompt, grammar: str, max_tokens: int) -> str:
        """Wait until cancelled."""
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        raise AssertionError


def sampled(grammar: str, chooser: random.Random) -> str:
    """Return an output of a grammar made of literals and rule names only."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.strip().split("\n"))
    if "sentence" in rules:
        lines = chooser.sample(_literals(rules["sentence"]), k=1)
        return "\n".join(lines)
    order = chooser.choice(rules["root"].split(" | "))
    return "\n".join(chooser.choice(_literals(rules[name])) for name in re.findall(r"s\d+", order))


def _literals(rule: str) -> list[str]:
    return [re.sub(r"\\(.)", r"\1", text) for text in _LITERAL.findall(rule)]
