"""Model folders that somebody has tampered with are refused wherever they are loaded."""

import hashlib
import json
import pickle

import pytest

from models import folder, pyfunc
from models.errors import BrokenModelError
from models.registry import ModelRegistry


class Bomb:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


@pytest.fixture
def mark(tmp_path):
    return tmp_path / "unpickled"


def sealed(path, **more):
    """Write a manifest of the files as they are now, and of others."""
    names = [one.relative_to(path).as_posix() for one in path.rglob("*") if one.is_file()]
    hashes = {name: folder.file_sha256(path / name) for name in names if name != folder.MANIFEST}
    (path / folder.MANIFEST).write_text(json.dumps(hashes | more), encoding="utf-8")


@pytest.mark.parametrize("name", [folder.WEIGHTS, folder.VOCABULARY, "encoder/model.safetensors"])
def test_load_pickle_in_place_of_a_file_is_not_unpickled(name, saved, mark):
    (saved / name).write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(BrokenModelError, match="altered"):
        folder.load(saved)
    assert not mark.exists()


@pytest.mark.parametrize("name", [folder.WEIGHTS, "encoder/model.safetensors"])
def test_load_pickle_in_a_sealed_folder_is_not_unpickled(name, saved, mark):
    (saved / name).write_bytes(pickle.dumps(Bomb(mark)))
    sealed(saved)
    with pytest.raises(Exception, match=r"(?i)header|encoder"):  # of safetensors, or ours
        folder.load(saved)
    assert not mark.exists()


def test_load_pickle_beside_the_files_is_named(saved, mark):
    (saved / "encoder" / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(BrokenModelError, match=r"pytorch_model\.bin: not in the manifest"):
        folder.load(saved)
    assert not mark.exists()


def test_load_link_even_to_the_same_content_is_refused(saved, tmp_path):
    (saved / folder.WEIGHTS).rename(tmp_path / "other")
    (saved / folder.WEIGHTS).symlink_to(tmp_path / "other")
    with pytest.raises(BrokenModelError, match=f"{folder.WEIGHTS}: a link"):
        folder.load(saved)


@pytest.mark.parametrize("name", ["../secret", "encoder/../../secret", "/etc/hostname"])
def test_load_manifest_that_leads_outside_is_refused(name, saved):
    (saved.parent / "secret").write_bytes(b"")
    sealed(saved, **{name: hashlib.sha256(b"").hexdigest()})
    with pytest.raises(BrokenModelError, match=f"names {name}, which lies outside"):
        folder.load(saved)


@pytest.mark.parametrize("load", [pyfunc._load_pyfunc, "registry"])
def test_every_way_of_loading_checks_the_manifest(load, saved, tmp_path):
    content = bytearray((saved / folder.WEIGHTS).read_bytes())
    content[-1] ^= 1
    (saved / folder.WEIGHTS).write_bytes(content)
    if load == "registry":
        load = ModelRegistry(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path).load
    with pytest.raises(BrokenModelError, match=f"{folder.WEIGHTS}: altered"):
        load(str(saved))
