"""A model as a folder of plain files: JSON, safetensors and a manifest of hashes, no pickles.

==================  ==============================================================
``model.json``      format, labels, chain, inverse temperatures, where it comes from
``weights.safetensors``  heads, idf and contract samples
``vocabulary.txt``  sparse features, one a line, in the order of the columns
``encoder/``        the dense encoder, where there is one
``self_test.json``  a few texts and what the model says of them
``manifest.json``   SHA-256 of every other file
==================  ==============================================================
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from safetensors.numpy import save_file

from models import selftest
from models.bundle import ModelInfo, TriageModel
from models.classifier import LinearHead
from models.encoders import load_encoder
from models.errors import BrokenModelError, ModelNotFoundError
from models.heads import Heads
from models.hierarchy import Chain, Hierarchy, Link
from models.names import NameEvidence
from models.prediction import LEVELS, Level
from models.selective import ContractSample
from models.sparse import SparseEncoder
from models.toplabel import BetaCurve

FORMAT = 2
MODEL, WEIGHTS, VOCABULARY = "model.json", "weights.safetensors", "vocabulary.txt"
ENCODER, MANIFEST = "encoder", "manifest.json"
SELF_TEST = "self_test.json"
SAMPLE_FIELDS = fields(ContractSample)
UNSAID = {"dense_weight": 0.5}
"""What folders of before it was written mean, which are fingerprinted alike."""

FINGERPRINTED = (WEIGHTS, VOCABULARY)
"""Files that decide a model's answers, together with the scoring part of ``model.json``."""

BLOCK = 8_192
"""Rows of coefficients that are read at once."""

Words = dict[str, list[str]]
"""The distinct strings of a contract sample, by column."""


def save(model: TriageModel, folder: Path) -> None:
    """Write a model; the folder appears complete or not at all.

    An older model in the folder is replaced.

    Raises
    ------
    BrokenModelError
        The folder holds something other than a model, which would be lost.
    """
    folder = folder.resolve()
    check_target(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        fresh = Path(scratch) / folder.name
        fresh.mkdir()
        _write(model, fresh)
        if folder.exists():
            folder.rename(Path(scratch) / "previous")
        fresh.rename(folder)


def check_target(folder: Path) -> None:
    """Check that a model may be saved here, before one is fitted.

    Raises
    ------
    BrokenModelError
        The folder holds something other than a model, which would be lost.
    """
    if folder.exists() and not is_model(folder) and (folder.is_file() or any(folder.iterdir())):
        raise BrokenModelError(f"{folder}: not empty and no model, so it is not replaced")


def load(folder: Path, *, self_test: bool = False) -> TriageModel:
    """Read a model and check every file against the manifest first.

    Parameters
    ----------
    self_test
        Whether to check as well that the model says what it said when it was saved; one that was
        saved before there were self-tests passes.

    Raises
    ------
    ModelNotFoundError
        There is no model in the folder.
    BrokenModelError
        A file is missing, altered, or of another format, or the self-test fails.
    """
    if not (folder / MANIFEST).is_file():
        raise ModelNotFoundError(f"{folder}: no model here ({MANIFEST} is missing)")
    check(folder)
    description = json.loads((folder / MODEL).read_text(encoding="utf-8"))
    if description.get("format") != FORMAT:
        raise BrokenModelError(
            f"{folder / MODEL}: format {description.get('format')}, this version reads {FORMAT}"
        )
    model = _read(folder, description)
    if self_test:
        selftest.check(model, model.self_test, str(folder))
    return model


def check(folder: Path) -> None:
    """Raise BrokenModelError at the first file that does not match the manifest."""
    try:
        manifest: dict[str, str] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        listed = list(manifest.items())
    except (ValueError, AttributeError) as error:
        raise BrokenModelError(f"{folder / MANIFEST}: not a manifest: {error}") from error
    links = sorted(path for path in folder.rglob("*") if path.is_symlink())
    if links:
        raise BrokenModelError(f"{links[0]}: a link, which could lead anywhere")
    for name, expected in listed:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise BrokenModelError(f"{folder / MANIFEST}: names {name}, which lies outside")
        path = folder / name
        if not path.is_file():
            raise BrokenModelError(f"{path}: missing")
        if file_sha256(path) != expected:
            raise BrokenModelError(f"{path}: altered since the model was saved")
    unlisted = sorted(set(_files(folder)) - set(manifest))
    if unlisted:
        raise BrokenModelError(f"{folder / unlisted[0]}: not in the manifest")


def is_model(folder: Path) -> bool:
    """Tell whether a folder holds a model."""
    return (folder / MANIFEST).is_file() and (folder / MODEL).is_file()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(model: TriageModel, folder: Path) -> None:
    tensors: dict[str, Any] = {"idf": model.sparse_encoder.idf}
    heads = dict(model.heads) | ({"urgency": model.urgency} if model.urgency else {})
    for name, head in heads.items():
        tensors[f"{name}.coef"] = head.coef
        tensors[f"{name}.intercept"] = head.intercept
    words: dict[Level, Words] = {}
    for level, sample in model.contract_samples.items():
        words[level], columns = _coded(sample)
        tensors |= {f"{level}.contract_{name}": values for name, values in columns.items()}
    chain, link = model.hierarchy.chain, model.hierarchy.link
    tensors |= {"chain.parents": chain.parents} if chain else {}
    tensors |= {"link.shares": link.shares} if link else {}
    tensors |= {"names.log_ratios": model.names.log_ratios} if model.names else {}
    in_order = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    save_file(in_order, folder / WEIGHTS)  # safetensors scrambles any other order
    features = sorted(
        model.sparse_encoder.vocabulary, key=model.sparse_encoder.vocabulary.__getitem__
    )
    (folder / VOCABULARY).write_text("\n".join(features), encoding="utf-8", newline="\n")
    if model.dense_encoder is not None:
        model.dense_encoder.save(folder / ENCODER)
    _write_json(folder / MODEL, _description(model, heads, words))
    _write_json(folder / SELF_TEST, selftest.to_json(selftest.record(model)))
    _write_json(folder / MANIFEST, {name: file_sha256(folder / name) for name in _files(folder)})


def _description(
    model: TriageModel, heads: dict[Any, LinearHead], words: dict[Level, Words]
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "scoring": {
            "classes": {name: list(head.classes) for name, head in heads.items()},
            "chain": _numbers(model.hierarchy.chain),
            "link": _numbers(model.hierarchy.link),
            "weights": model.hierarchy.weights,
            "names": None if model.names is None else list(model.names.mentions),
            "names_weight": model.hierarchy.names_weight,
            "curves": {level: asdict(curve) for level, curve in model.hierarchy.curves.items()},
            "urgency_weight": model.urgency_weight,
            "dense_weight": model.dense_weight,
            "routing": model.routing,
            "contract": words,
        },
        "info": asdict(model.info),
    }


def _numbers(part: Chain | Link | None) -> dict[str, float] | None:
    """Return the fitted numbers of a part; its arrays go to the weights file."""
    if part is None:
        return None
    return {name: value for name, value in vars(part).items() if isinstance(value, float)}


def _read(folder: Path, description: dict[str, Any]) -> TriageModel:
    scoring = UNSAID | description["scoring"]
    classes = {name: tuple(codes) for name, codes in scoring["classes"].items()}
    levels = {level: classes[level] for level in LEVELS if level in classes}
    tensors = _read_tensors(folder / WEIGHTS, leaving={f"{level}.coef" for level in levels})
    hierarchy = Hierarchy(
        chain=scoring["chain"] and Chain(tensors["chain.parents"], **scoring["chain"]),
        link=scoring["link"] and Link(tensors["link.shares"], **scoring["link"]),
        weights=scoring["weights"],
        names_weight=scoring["names_weight"],
        curves={level: BetaCurve(**curve) for level, curve in scoring["curves"].items()},
    )
    features = (folder / VOCABULARY).read_text(encoding="utf-8").split("\n")
    vocabulary = {feature: column for column, feature in enumerate(features) if feature}
    encoder = folder / ENCODER
    model = TriageModel(
        sparse_encoder=SparseEncoder(vocabulary, tensors["idf"]),
        dense_encoder=load_encoder(str(encoder)) if encoder.is_dir() else None,
        heads=_read_heads(folder / WEIGHTS, levels, tensors),
        hierarchy=hierarchy,
        urgency=_read_urgency(classes, tensors),
        urgency_weight=scoring["urgency_weight"],
        names=scoring["names"]
        and NameEvidence(tuple(scoring["names"]), tensors["names.log_ratios"]),
        routing=scoring["routing"],
        dense_weight=scoring["dense_weight"],
        contract_samples={
            level: _contract_sample(tensors, level, words)
            for level, words in scoring["contract"].items()
        },
        info=ModelInfo(**description["info"]),
        self_test=_read_self_test(folder / SELF_TEST),
    )
    return replace(model, fingerprint=_fingerprint(folder, scoring))


def _read_tensors(path: Path, *, leaving: Collection[str]) -> dict[str, Any]:
    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys() if name not in leaving}  # noqa: SIM118  # no mapping


def _read_heads(
    path: Path, classes: Mapping[Level, tuple[str, ...]], tensors: Mapping[str, Any]
) -> Heads:
    """Read the heads to where they are to lie: a copy of each in between takes twice the memory."""
    heads = Heads.reserved(classes, _n_features(path, classes))
    for level, head in heads.items():
        head.intercept[:] = tensors[f"{level}.intercept"]
        for start in range(0, len(head.coef), BLOCK):
            rows = slice(start, min(start + BLOCK, len(head.coef)))
            # Opened anew: what was read of an open file stays in memory until it is closed.
            with safe_open(path, framework="numpy") as file:
                head.coef[rows] = file.get_slice(f"{level}.coef")[rows]
    return heads


def _n_features(path: Path, classes: Collection[Level]) -> int:
    with safe_open(path, framework="numpy") as file:
        sizes = {file.get_slice(f"{level}.coef").get_shape()[0] for level in classes}
    return max(sizes, default=0)


def _read_urgency(
    classes: Mapping[str, tuple[str, ...]], tensors: Mapping[str, Any]
) -> LinearHead | None:
    if "urgency" not in classes:
        return None
    return LinearHead(classes["urgency"], tensors["urgency.coef"], tensors["urgency.intercept"])


def _read_self_test(path: Path) -> tuple[selftest.Case, ...]:
    """Read the self-test; models that were saved before there was any have none."""
    return selftest.from_json(json.loads(path.read_text("utf-8"))) if path.is_file() else ()


def _coded(sample: ContractSample) -> tuple[Words, dict[str, npt.NDArray[Any]]]:
    """Return a sample's columns, with numbers for the strings that safetensors can't hold."""
    words: Words = {}
    columns = dict(vars(sample))
    for name, values in vars(sample).items():
        if values.dtype.kind == "U":
            distinct, codes = np.unique(values, return_inverse=True)
            words[name], columns[name] = distinct.tolist(), codes.astype(np.int32)
    return words, columns


def _contract_sample(tensors: dict[str, Any], level: Level, words: Words) -> ContractSample:
    found = {field.name: tensors[f"{level}.contract_{field.name}"] for field in SAMPLE_FIELDS}
    for name, distinct in words.items():
        found[name] = np.array(distinct, dtype=np.str_)[found[name]]
    return ContractSample(**found)


def _fingerprint(folder: Path, scoring: dict[str, Any]) -> str:
    """Return a hash of all that decides a model's answers, and nothing else (no dates).

    The manifest must have been checked: its hashes are taken.
    """
    said = dict(item for item in scoring.items() if item not in UNSAID.items())
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    for name, sha256 in sorted(manifest.items()):
        if name in FINGERPRINTED or name.startswith(ENCODER):
            digest.update(f"{name} {sha256}\n".encode())
    return digest.hexdigest()


def _files(folder: Path) -> list[str]:
    """Return every file but the manifest, as sorted relative paths."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return sorted({path.relative_to(folder).as_posix() for path in paths} - {MANIFEST})


def _write_json(path: Path, content: object) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")
