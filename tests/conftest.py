"""How Hypothesis searches: never against the clock, and in CI always over the same examples."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("explore", deadline=None)
# A fresh counterexample belongs on a developer's machine, where it can be looked into, not between a change and main.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "explore")
