from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(300)
def test_the_contract_is_lint_clean_and_the_committed_stubs_are_fresh() -> None:
    check = subprocess.run(
        [sys.executable, str(ROOT / "protos" / "generate.py"), "check"], capture_output=True, text=True
    )

    assert check.returncode == 0, check.stdout + check.stderr
