"""Loading a city's files, and installing them: all in one step, or none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from triage.appeal import Bilingual
from triage.citydata import check_city, install_city, load_city
from triage.config import STARTER_DATA
from triage.districts import Street
from triage.errors import InvalidCityFileError

DATA = Path(__file__).parent / "data"
FILES = ("districts.csv", "streets.csv", "taxonomy.csv", "enterprises.csv", "appeals.jsonl")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A city that is in use."""
    return Path(shutil.copytree(DATA / "city", tmp_path / "city"))


def edit(path: Path, old: str, new: str) -> None:
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new), encoding="utf-8")


def test_load_city_sound_folder_reads_every_field(folder: Path) -> None:
    city = load_city(folder)
    school = city.enterprises.enterprises["SCHOOL-007"]
    assert school.name == Bilingual(ru='Школа №7 "Арман"', kk="№7 мектеп")
    assert (school.district, school.number, school.active) == ("ESIL", "7", True)
    assert school.aliases == ("школа 7", "7 мектеп")
    assert not city.enterprises.enterprises["SCHOOL-008"].active
    assert city.enterprises.enterprises["UTIL-WATER"].district is None
    tap = city.taxonomy.topics["water.tap"]
    assert (tap.deprecated, tap.replaced_by, tap.sla_hours) == (True, ("water.leak",), 72)
    assert city.taxonomy.categories["school"].name == Bilingual(ru="Школа", kk="Мектеп")
    assert Street(Bilingual(ru="улица\nСадовая", kk="Бақ көшесі"), "SARYARKA") in city.streets


def test_load_city_other_row_order_has_the_same_versions(folder: Path) -> None:
    before = load_city(folder)
    for name in ("taxonomy.csv", "enterprises.csv"):
        header, *rows = (folder / name).read_bytes().splitlines(keepends=True)
        (folder / name).write_bytes(header + b"".join(reversed(rows)))
    after = load_city(folder)
    assert after.taxonomy.version == before.taxonomy.version
    assert after.enterprises.version == before.enterprises.version


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """Another version of the city, to be installed."""
    source = Path(shutil.copytree(DATA / "city", tmp_path / "new"))
    edit(source / "taxonomy.csv", "number,120", "number,48")
    edit(source / "enterprises.csv", "8,,false", "8,,true")
    return source


def test_install_city_new_destination_copies_the_files(new: Path, tmp_path: Path) -> None:
    (new / "notes.txt").write_text("not a city's file")
    installed = install_city(new, tmp_path / "var" / "city")
    assert installed == load_city(new)
    assert set(contents(tmp_path / "var")) == {f"city/{name}" for name in FILES}


def test_install_city_then_load_gives_the_new_version(new: Path, folder: Path) -> None:
    old, before = contents(folder), load_city(folder)
    install_city(new, folder)
    after = load_city(folder)
    assert after.taxonomy.topics["school.meals"].sla_hours == 48
    assert after.taxonomy.version != before.taxonomy.version
    assert after.enterprises.version != before.enterprises.version
    assert contents(folder.with_name("city.previous")) == old


def test_install_city_the_previous_folder_brings_the_old_version_back(
    new: Path, folder: Path
) -> None:
    before = load_city(folder)
    install_city(new, folder)
    install_city(folder.with_name("city.previous"), folder)
    assert load_city(folder) == before
    assert contents(folder.with_name("city.previous")) == contents(new)


@pytest.mark.parametrize("name", FILES)
def test_install_city_bad_file_changes_nothing(new: Path, folder: Path, name: str) -> None:
    (new / name).write_bytes(b"\xff")
    before = contents(folder.parent)
    with pytest.raises(InvalidCityFileError) as caught:
        install_city(new, folder)
    assert caught.value.problems == [str(problem) for problem in check_city(new)]
    assert contents(folder.parent) == before


@pytest.mark.parametrize("inside", ["", "city"])
def test_install_city_into_starter_data_is_refused(new: Path, inside: str) -> None:
    before = contents(STARTER_DATA)
    with pytest.raises(InvalidCityFileError, match="starter data"):
        install_city(new, STARTER_DATA / inside)
    assert contents(STARTER_DATA) == before


def test_install_city_into_folder_of_other_things_is_refused(new: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "letter.txt").write_text("dear")
    with pytest.raises(InvalidCityFileError, match="holds something else than a city"):
        install_city(new, home)
    assert contents(home) == {"letter.txt": b"dear"}


def test_install_city_into_a_file_is_refused(new: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidCityFileError, match="is not a folder"):
        install_city(new, tmp_path / "file")


@pytest.mark.parametrize("inside", ["", "city"])
def test_install_city_into_itself_is_refused(new: Path, inside: str) -> None:
    with pytest.raises(InvalidCityFileError, match="lie in one another"):
        install_city(new, new / inside)


# Kills the process, as a power cut would, around its n-th rename.
CRASH = """
import os, sys
from pathlib import Path
from triage.appeal import Bilingual
from triage.citydata import install_city
rename, left = Path.rename, [int(sys.argv[3])]
def crashing(self, target):
    left[0] -= 1
    if left[0] == 0:
        os._exit(9)
    return rename(self, target)
Path.rename = crashing
install_city(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("crash_at", [1, 2])
def test_install_city_cut_off_leaves_the_old_version(
    new: Path, folder: Path, crash_at: int
) -> None:
    old, before = contents(folder), load_city(folder)
    command = [sys.executable, "-c", CRASH, str(new), str(folder), str(crash_at)]
    root = Path(__file__).parents[3]
    assert subprocess.run(command, cwd=root, check=False).returncode == 9
    assert load_city(folder) == before
    install_city(new, folder)
    assert load_city(folder) == load_city(new)
    assert contents(folder.with_name("city.previous")) == old
    assert not folder.with_name("city.incoming").exists()


@pytest.mark.parametrize("failure", [OSError, KeyboardInterrupt])
def test_install_city_failing_at_the_last_rename_puts_the_old_version_back(
    new: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, failure: type[BaseException]
) -> None:
    before = contents(folder)
    rename = Path.rename

    def refuse_incoming(self: Path, target: Path) -> Path:
        if self.name.endswith(".incoming"):
            raise failure
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_incoming)
    with pytest.raises(failure):
        install_city(new, folder)
    assert contents(folder) == before
    assert not folder.with_name("city.incoming").exists()
