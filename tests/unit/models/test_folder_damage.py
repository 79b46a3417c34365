"""Folders that were damaged are refused with a reason, and self-tests tell other answers."""

import hashlib
import json
import shutil
from dataclasses import replace

import pytest
from folder_cases import FILES, CrashingEncoder
from safetensors.numpy import load_file, save_file

from models import folder, selftest
from models.errors import BrokenModelError, EncoderUnavailableError, ModelNotFoundError


def reseal(path):
    """Write a manifest that matches the files as they are now."""
    manifest = json.loads((path / folder.MANIFEST).read_text(encoding="utf-8"))
    for name in manifest:
        manifest[name] = hashlib.sha256((path / name).read_bytes()).hexdigest()
    (path / folder.MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def edit_description(path, **changes):
    description = json.loads((path / folder.MODEL).read_text(encoding="utf-8"))
    (path / folder.MODEL).write_text(json.dumps(description | changes), encoding="utf-8")
    reseal(path)


@pytest.mark.parametrize("name", FILES)
def test_load_altered_file_is_named(name, saved):
    content = bytearray((saved / name).read_bytes())
    content[len(content) // 2] ^= 1
    (saved / name).write_bytes(content)
    with pytest.raises(BrokenModelError, match=f"{saved / name}: altered"):
        folder.load(saved)


@pytest.mark.parametrize("name", FILES)
def test_load_cut_file_is_named(name, saved):
    (saved / name).write_bytes((saved / name).read_bytes()[:-1])
    with pytest.raises(BrokenModelError, match=f"{saved / name}: altered"):
        folder.load(saved)


@pytest.mark.parametrize("name", FILES)
def test_load_missing_file_is_named(name, saved):
    (saved / name).unlink()
    with pytest.raises(BrokenModelError, match=f"{saved / name}: missing"):
        folder.load(saved)


def test_load_missing_encoder_folder_is_broken(saved):
    shutil.rmtree(saved / folder.ENCODER)
    with pytest.raises(BrokenModelError, match=f"{saved / folder.ENCODER}.*: missing"):
        folder.load(saved)


@pytest.mark.parametrize("name", ["extra.pkl", "encoder/added.bin", "encoder/manifest.json"])
def test_load_added_file_is_named(name, saved):
    (saved / name).write_bytes(b"x")
    with pytest.raises(BrokenModelError, match=f"{saved / name}: not in the manifest"):
        folder.load(saved)


@pytest.mark.parametrize("content", [b"", b"{", b'{"model.json": "ab', b"[]", b"null", b"\xff\xfe"])
def test_load_damaged_manifest_is_named(content, saved):
    (saved / folder.MANIFEST).write_bytes(content)
    with pytest.raises(BrokenModelError, match=f"{saved / folder.MANIFEST}: not a manifest"):
        folder.load(saved)


def test_load_empty_manifest_is_broken(saved):
    (saved / folder.MANIFEST).write_text("{}")
    with pytest.raises(BrokenModelError, match="not in the manifest"):
        folder.load(saved)


@pytest.mark.parametrize("number", [1, 3, "2", None])
def test_load_another_format_says_which_it_reads(number, saved):
    edit_description(saved, format=number)
    with pytest.raises(BrokenModelError, match=f"{folder.MODEL}: format {number}.*reads 2"):
        folder.load(saved)


def test_load_no_folder_is_not_found(tmp_path):
    with pytest.raises(ModelNotFoundError, match=f"{tmp_path / 'none'}: no model here"):
        folder.load(tmp_path / "none")


def test_load_folder_without_a_manifest_is_not_found(saved):
    (saved / folder.MANIFEST).unlink()
    with pytest.raises(ModelNotFoundError, match=r"manifest\.json is missing"):
        folder.load(saved)
    assert not folder.is_model(saved)


def test_load_file_instead_of_a_folder_is_not_found(saved):
    with pytest.raises(ModelNotFoundError):
        folder.load(saved / folder.MODEL)


def test_load_sealed_folder_with_a_broken_encoder_is_unavailable(saved):
    (saved / "encoder/tokenizer.json").write_text("{}")
    reseal(saved)
    with pytest.raises(EncoderUnavailableError, match="no static encoder here"):
        folder.load(saved)


def edit_self_test(path, **changes):
    """Change what the first case expects."""
    cases = json.loads((path / folder.SELF_TEST).read_text(encoding="utf-8"))
    cases[0] |= changes
    (path / folder.SELF_TEST).write_text(json.dumps(cases), encoding="utf-8")
    reseal(path)


def test_load_with_self_test_saved_model_passes(fitted_model, saved):
    loaded = folder.load(saved, self_test=True)
    assert loaded.self_test == selftest.record(fitted_model)
    assert loaded.self_test[0].expected.keys() == fitted_model.heads.keys()


def test_load_with_self_test_weights_that_answer_otherwise_are_broken(saved):
    tensors = load_file(saved / folder.WEIGHTS)
    tensors["topic.intercept"] = tensors["topic.intercept"][::-1].copy() + 1
    save_file(tensors, saved / folder.WEIGHTS)
    reseal(saved)
    folder.load(saved)
    with pytest.raises(BrokenModelError, match=rf"{saved}: self-test 1: \w+ \S+ has probability"):
        folder.load(saved, self_test=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"expected": {"topic": {"nothing.known": 0.1}}},
            "topic nothing.known has probability None",
        ),
        ({"expected": {"district": {"a": 0.1}}}, "district a has probability None"),
        ({"urgency": 0.99}, "urgency has probability 0.*, 0.9900 when it was saved"),
        ({"urgency": float("nan")}, "urgency"),
    ],
)
def test_load_with_self_test_other_answers_are_named(changes, message, saved):
    edit_self_test(saved, **changes)
    with pytest.raises(BrokenModelError, match=message):
        folder.load(saved, self_test=True)


def test_load_with_self_test_rounding_of_another_machine_passes(fitted_model, saved):
    urgency = selftest.record(fitted_model)[0].urgency
    edit_self_test(saved, urgency=urgency + selftest.TOLERANCE / 2)
    assert folder.load(saved, self_test=True).urgency is not None


def test_self_test_model_that_fails_on_a_text_is_broken(fitted_model):
    cases = selftest.record(fitted_model)
    torn = replace(fitted_model, dense_encoder=CrashingEncoder())
    with pytest.raises(BrokenModelError, match="here: self-test: NotImplementedError"):
        selftest.check(torn, cases, "here")


def test_load_model_saved_before_there_were_self_tests_has_none(saved):
    (saved / folder.SELF_TEST).unlink()
    manifest = json.loads((saved / folder.MANIFEST).read_text(encoding="utf-8"))
    del manifest[folder.SELF_TEST]
    (saved / folder.MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    assert folder.load(saved, self_test=True).self_test == ()
