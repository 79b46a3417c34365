from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from triage.config import STARTER_DATA, Settings
from triage.errors import InvalidSettingsError
from triage.secret import FILE_NAME, MIN_CHARS, load_secret

ROOT = STARTER_DATA.parent.parent
N_PROCESSES = 4
LOAD = """
import sys
from triage.config import Settings
from triage.secret import load_secret
sys.stdout.write(load_secret(Settings(home=sys.argv[1])).hex())
"""


def load(home: Path) -> bytes:
    return load_secret(Settings(home=home))


def test_load_secret_configured_one_is_taken_and_nothing_is_written(tmp_path: Path) -> None:
    secret = "k" * MIN_CHARS

    assert load_secret(Settings(home=tmp_path, secret=secret)) == secret.encode()  # type: ignore[arg-type]  # as from the environment
    assert list(tmp_path.iterdir()) == []


def test_load_secret_without_one_a_random_one_is_kept(tmp_path: Path) -> None:
    first, other = load(tmp_path / "a"), load(tmp_path / "b")

    assert len(first) >= MIN_CHARS
    assert load(tmp_path / "a") == first != other
    assert os.listdir(tmp_path / "a") == [FILE_NAME]
    assert (tmp_path / "a" / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_load_secret_processes_that_start_together_agree(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LOAD, str(tmp_path)]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) for _ in range(N_PROCESSES)
    ]
    secrets = {process.communicate()[0] for process in processes}

    assert secrets == {load(tmp_path).hex().encode()}
    assert os.listdir(tmp_path) == [FILE_NAME]


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * MIN_CHARS])
def test_load_secret_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)

    with pytest.raises(InvalidSettingsError, match=str(tmp_path)):
        load(tmp_path)


def test_load_secret_home_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")

    with pytest.raises(InvalidSettingsError, match="home"):
        load(tmp_path / "home")


def test_load_secret_short_one_is_refused_without_being_told() -> None:
    with pytest.raises(InvalidSettingsError) as refused:
        load_secret(Settings(secret="hunter2"))  # type: ignore[arg-type]  # as from the environment

    assert "TRIAGE_SECRET" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_settings_secret_is_not_in_their_text() -> None:
    assert "hunter2" not in repr(Settings(secret="hunter2"))  # type: ignore[arg-type]  # as from the environment
