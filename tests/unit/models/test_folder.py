"""Models are saved whole and loaded as they were."""

import json
from dataclasses import replace

import numpy as np
import pytest
from folder_cases import FILES, TEXTS, CrashingEncoder

from models import folder
from models.classifier import LinearHead
from models.errors import BrokenModelError
from models.heads import Heads
from models.selective import NO_SAMPLE, ContractSample


def without_encoder(model):
    """The same model by words alone; its heads hold words first, then the encoder's vector."""
    n_words = len(model.sparse_encoder.vocabulary)

    def cut(head):
        return replace(head, coef=head.coef[:n_words])

    return replace(
        model,
        dense_encoder=None,
        heads=Heads({level: cut(head) for level, head in model.heads.items()}),
        urgency=cut(model.urgency),
        info=replace(model.info, encoder="none"),
    )


def test_load_saved_model_predicts_the_same_to_the_last_bit(fitted_model, saved):
    assert folder.load(saved).predict(TEXTS) == fitted_model.predict(TEXTS)


def test_load_saved_model_has_the_same_parts(fitted_model, saved):
    loaded = folder.load(saved)
    assert loaded.info == fitted_model.info
    assert loaded.sparse_encoder.vocabulary == fitted_model.sparse_encoder.vocabulary
    assert list(loaded.heads) == list(fitted_model.heads)
    assert loaded.hierarchy.weights == fitted_model.hierarchy.weights
    assert loaded.hierarchy.chain.topic_weight == fitted_model.hierarchy.chain.topic_weight
    assert (loaded.hierarchy.link.shares == fitted_model.hierarchy.link.shares).all()
    assert loaded.contract_samples.keys() == fitted_model.contract_samples.keys()
    for level, sample in fitted_model.contract_samples.items():
        for name, values in vars(sample).items():
            found = getattr(loaded.contract_samples[level], name)
            assert (found == values).all()
            assert found.dtype.kind == values.dtype.kind


def test_save_loaded_model_again_keeps_its_fingerprint(saved, tmp_path):
    first = folder.load(saved)
    folder.save(first, tmp_path / "again")
    second = folder.load(tmp_path / "again")
    assert len(first.fingerprint) == 64
    assert second.fingerprint == first.fingerprint
    assert second.predict(TEXTS) == first.predict(TEXTS)


def test_save_arrays_in_any_memory_order_are_read_back_as_they_were(fitted_model, tmp_path):
    turned = np.arange(20)[::-2]
    names = np.array([f"{number:02}" for number in range(20)])[::-2]
    sample = ContractSample(turned / 20, turned % 3 == 0, names, names, names, turned / 40)
    head = fitted_model.heads["topic"]
    column_order = LinearHead(head.classes, np.asfortranarray(head.coef), head.intercept)
    odd = replace(
        fitted_model,
        heads=Heads(fitted_model.heads | {"topic": column_order}),
        contract_samples={"topic": sample},
    )
    folder.save(odd, tmp_path / "odd")
    loaded = folder.load(tmp_path / "odd")
    assert (loaded.heads["topic"].coef == head.coef).all()
    for name, values in vars(sample).items():
        assert (getattr(loaded.contract_samples["topic"], name) == values).all()


def test_save_model_without_optional_parts_loads_without_them(fitted_model, tmp_path):
    sparse = without_encoder(fitted_model)
    bare = replace(
        sparse,
        heads=Heads({"enterprise": sparse.heads["enterprise"]}),
        hierarchy=replace(
            fitted_model.hierarchy, chain=None, link=None, weights={"enterprise": 2.0}
        ),
        urgency=None,
        contract_samples={"enterprise": NO_SAMPLE},
    )
    folder.save(bare, tmp_path / "bare")
    loaded = folder.load(tmp_path / "bare")
    assert loaded.dense_encoder is None
    assert loaded.urgency is None
    assert loaded.hierarchy == bare.hierarchy
    assert all(not len(values) for values in vars(loaded.contract_samples["enterprise"]).values())
    assert not (tmp_path / "bare" / folder.ENCODER).exists()


@pytest.mark.parametrize("field", ["created_at", "data_hash", "metrics", "parameters"])
def test_fingerprint_does_not_depend_on_where_the_model_comes_from(field, fitted_model, tmp_path):
    other = {"created_at": "1999", "data_hash": "0", "metrics": {"x": 1.0}, "parameters": {"y": 2}}
    info = replace(fitted_model.info, **{field: other[field]})
    folder.save(fitted_model, tmp_path / "one")
    folder.save(replace(fitted_model, info=info), tmp_path / "two")
    one, two = folder.load(tmp_path / "one"), folder.load(tmp_path / "two")
    assert one.info != two.info
    assert one.fingerprint == two.fingerprint


def test_load_folder_without_a_dense_weight_has_the_weight_and_fingerprint_of_then(saved):
    description = json.loads((saved / folder.MODEL).read_text(encoding="utf-8"))
    now = folder.load(saved)
    assert description["scoring"].pop("dense_weight") == now.dense_weight == 0.5
    (saved / folder.MODEL).write_text(json.dumps(description), encoding="utf-8")
    manifest = json.loads((saved / folder.MANIFEST).read_text(encoding="utf-8"))
    manifest[folder.MODEL] = folder.file_sha256(saved / folder.MODEL)
    (saved / folder.MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    before = folder.load(saved)
    assert before.dense_weight == 0.5
    assert before.fingerprint == now.fingerprint


def test_load_dense_weight_decides_the_answers_of_the_loaded_model(fitted_model, tmp_path):
    model = replace(fitted_model, dense_weight=1.5)
    folder.save(model, tmp_path / "model")
    loaded = folder.load(tmp_path / "model")
    assert loaded.predict(TEXTS) == model.predict(TEXTS) != fitted_model.predict(TEXTS)


def test_fingerprint_changes_with_anything_that_decides_an_answer(fitted_model, tmp_path):
    head = fitted_model.heads["topic"]
    shifted = replace(head, intercept=head.intercept + np.float32(1e-3))
    renamed = replace(head, classes=(*head.classes[:-1], "zzz"))
    hierarchy = fitted_model.hierarchy
    sample = fitted_model.contract_samples["topic"]
    variants = [
        fitted_model,
        replace(
            fitted_model,
            contract_samples=fitted_model.contract_samples
            | {"topic": replace(sample, group=np.char.add("other ", sample.group))},
        ),
        replace(fitted_model, urgency_weight=fitted_model.urgency_weight + 1),
        replace(fitted_model, heads=Heads(fitted_model.heads | {"topic": shifted})),
        replace(fitted_model, heads=Heads(fitted_model.heads | {"topic": renamed})),
        replace(
            fitted_model,
            hierarchy=replace(hierarchy, chain=replace(hierarchy.chain, topic_weight=9.0)),
        ),
        replace(
            fitted_model,
            hierarchy=replace(hierarchy, link=replace(hierarchy.link, shares_weight=9.0)),
        ),
        replace(fitted_model, dense_encoder=fitted_model.dense_encoder.quantised()),
        replace(fitted_model, dense_weight=0.25),
    ]
    fingerprints = set()
    for number, variant in enumerate(variants):
        folder.save(variant, tmp_path / str(number))
        fingerprints.add(folder.load(tmp_path / str(number)).fingerprint)
    assert len(fingerprints) == len(variants)


def test_save_writes_the_files_of_the_table_and_no_more(saved):
    written = {path.relative_to(saved).as_posix() for path in saved.rglob("*") if path.is_file()}
    assert written == {*FILES, folder.MANIFEST}
    assert json.loads((saved / folder.MANIFEST).read_text(encoding="utf-8")).keys() == set(FILES)
    assert list(saved.parent.iterdir()) == [saved]


def test_save_writes_no_pickle(saved):
    for path in saved.rglob("*"):
        if path.is_file():
            # What pickles of protocol 2 and above begin with, and the archives of torch.save.
            assert not path.read_bytes().startswith((b"\x80", b"PK"))


def test_save_over_an_older_model_replaces_it(fitted_model, saved):
    folder.save(without_encoder(fitted_model), saved)
    loaded = folder.load(saved)
    assert loaded.info.encoder == "none"
    assert loaded.dense_encoder is None
    assert list(saved.parent.iterdir()) == [saved]


def test_save_over_a_damaged_model_replaces_it(fitted_model, saved):
    (saved / folder.WEIGHTS).unlink()
    folder.save(fitted_model, saved)
    assert folder.load(saved).predict(TEXTS) == fitted_model.predict(TEXTS)


def test_save_crash_while_writing_leaves_the_older_model(fitted_model, saved):
    before = folder.load(saved)
    with pytest.raises(OSError, match="No space left"):
        folder.save(replace(fitted_model, dense_encoder=CrashingEncoder()), saved)
    assert folder.load(saved).fingerprint == before.fingerprint
    assert list(saved.parent.iterdir()) == [saved]


def test_save_crash_while_writing_leaves_no_folder(fitted_model, tmp_path):
    with pytest.raises(OSError, match="No space left"):
        folder.save(replace(fitted_model, dense_encoder=CrashingEncoder()), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_save_over_a_folder_of_something_else_leaves_it_alone(fitted_model, tmp_path):
    (tmp_path / "history.csv").write_text("precious")
    with pytest.raises(BrokenModelError, match=f"{tmp_path}: not empty and no model"):
        folder.save(fitted_model, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["history.csv"]


def test_save_over_a_file_leaves_it_alone(fitted_model, tmp_path):
    (tmp_path / "model").write_text("precious")
    with pytest.raises(BrokenModelError, match="not replaced"):
        folder.save(fitted_model, tmp_path / "model")
    assert (tmp_path / "model").read_text() == "precious"


def test_save_into_an_empty_or_missing_folder_makes_it(fitted_model, tmp_path):
    (tmp_path / "empty").mkdir()
    folder.save(fitted_model, tmp_path / "empty")
    folder.save(fitted_model, tmp_path / "deep" / "er")
    assert folder.is_model(tmp_path / "empty")
    assert folder.is_model(tmp_path / "deep" / "er")


def test_save_through_a_link_replaces_what_it_points_at(fitted_model, saved, tmp_path):
    link = tmp_path / "champion"
    link.symlink_to(saved)
    folder.save(replace(fitted_model, urgency_weight=7.0), link)
    assert link.is_symlink()
    assert folder.load(saved).urgency_weight == 7.0


def test_is_model_folder_of_something_else_is_not(tmp_path):
    assert not folder.is_model(tmp_path)
    assert not folder.is_model(tmp_path / "none")
