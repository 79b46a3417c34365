from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from triage.config import STARTER_DATA

ROOT = STARTER_DATA.parent.parent
PACKAGES = ("models", "triage", "api", "training")
MAX_LINES = 400
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]

APP_WITHOUT_TORCH = """
import sys
from pathlib import Path
import api.cli
from api.app import create_app
from triage.config import Settings
create_app(Settings(home=Path(sys.argv[1])))
print({"torch", "transformers", "sentence_transformers"} & sys.modules.keys())
"""

IMPORTED_BY_THE_COMMAND_LINE = """
import sys
import api.cli
slow = {"sklearn", "pandas", "pyarrow", "mlflow", "scipy.stats", "scipy.optimize"}
print(slow & sys.modules.keys())
"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_import_contract_is_kept(tmp_path: Path) -> None:
    lint = str(Path(sys.executable).with_name("lint-imports"))
    done = run(lint, "--cache-dir", str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert "1 kept, 0 broken" in done.stdout


def test_app_is_built_without_torch(tmp_path: Path) -> None:
    done = run(sys.executable, "-c", APP_WITHOUT_TORCH, str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "set()"


def test_command_line_starts_without_what_only_training_or_a_registry_needs() -> None:
    done = run(sys.executable, "-c", IMPORTED_BY_THE_COMMAND_LINE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "set()"


def test_modules_are_found() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} == set(PACKAGES)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_is_not_longer_than_a_reader_can_hold(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
