"""A real MLflow: a SQLite store, local artifacts and its own scoring server."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from models import folder
from models.errors import BrokenModelError, ModelNotFoundError, RegistryUnavailableError
from models.output import as_json
from models.prediction import LEVELS
from models.registry import EXAMPLE_TEXTS, ModelRegistry

NAME = "appeal-triage"
TEXTS = ["Нет горячей воды во всём доме", "Су жоқ, үшінші күн", "", "<b>автобус</b> 32"]
HINTS = ["ru", None, None, "mixed"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("registry")


@pytest.fixture(scope="module")
def registry(home: Path) -> Iterator[ModelRegistry]:
    import mlflow

    before = mlflow.get_tracking_uri()
    yield ModelRegistry(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts")
    mlflow.set_tracking_uri(before)


@pytest.fixture(scope="module")
def version(registry: ModelRegistry, model_folder: Path) -> str:
    """The small model, registered as champion."""
    version = registry.log(
        model_folder, experiment="appeals", tags={"command": "triage-train fit"}, name=NAME
    )
    registry.set_alias(NAME, "champion", version)
    return version


@pytest.fixture(scope="module")
def answers(model_folder: Path) -> list[dict]:
    return [as_json(one) for one in folder.load(model_folder).predict(TEXTS, HINTS)]


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({"text": TEXTS, "language": HINTS})


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def clean_environment(registry: ModelRegistry) -> dict[str, str]:
    """An environment that says nothing of where our packages lie."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    python = Path(sys.executable).parent
    return kept | {
        "MLFLOW_TRACKING_URI": registry.tracking_uri,
        "PATH": f"{python}{os.pathsep}{os.environ['PATH']}",
    }


def test_load_by_alias_gives_the_model_with_name_and_version(registry, version, model_folder):
    loaded = registry.load(f"models:/{NAME}@champion")
    original = folder.load(model_folder)
    assert (loaded.name, loaded.version) == (NAME, version)
    assert loaded.model.fingerprint == original.fingerprint
    assert loaded.model.predict(TEXTS) == original.predict(TEXTS)


def test_load_by_version_gives_the_same_model(registry, version, model_folder):
    loaded = registry.load(f"models:/{NAME}/{version}")
    assert loaded.version == version
    assert loaded.model.fingerprint == folder.load(model_folder).fingerprint


def test_load_folder_gives_its_name_and_no_version(registry, model_folder):
    loaded = registry.load(str(model_folder))
    assert (loaded.name, loaded.version) == (model_folder.name, "folder")


def test_load_leaves_no_copy_behind(registry, version, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    registry.load(f"models:/{NAME}/{version}")
    assert list(tmp_path.iterdir()) == []


def test_set_alias_moves_it_to_another_version(registry, version, model_folder):
    newer = registry.log(model_folder, experiment="appeals", tags={}, name=NAME)
    registry.set_alias(NAME, "challenger", version)
    assert registry.resolve(f"models:/{NAME}@challenger") == (NAME, version)
    registry.set_alias(NAME, "challenger", newer)
    assert int(newer) > int(version)
    assert registry.resolve(f"models:/{NAME}@challenger") == (NAME, newer)
    assert registry.resolve(f"models:/{NAME}@champion") == (NAME, version)


def test_has_tells_aliases_that_are_set(registry, version):
    assert registry.has(NAME, "champion")
    assert not registry.has(NAME, "nobody")
    assert not registry.has("unknown", "champion")


@pytest.mark.parametrize(
    "reference",
    [
        "models:/unknown@champion",
        f"models:/{NAME}@nobody",
        f"models:/{NAME}/999",
        f"models:/{NAME}/latest",
        f"models:/{NAME}",
        "models:/unknown/1",
        "models:/",
    ],
)
def test_load_unknown_reference_is_not_found_and_named(reference, registry, version):
    with pytest.raises(ModelNotFoundError, match=reference):
        registry.load(reference)


def test_load_missing_folder_is_not_found(registry, tmp_path):
    with pytest.raises(ModelNotFoundError, match="no model here"):
        registry.load(str(tmp_path / "none"))


@pytest.mark.parametrize(("name", "number"), [("unknown", "1"), (NAME, "999")])
def test_set_alias_unknown_version_is_not_found(name, number, registry, version):
    with pytest.raises(ModelNotFoundError, match=f"models:/{name}/{number}"):
        registry.set_alias(name, "champion", number)


def test_log_broken_model_registers_nothing(registry, tmp_path):
    (tmp_path / folder.MANIFEST).write_text("[]")
    with pytest.raises(BrokenModelError):
        registry.log(tmp_path, experiment="appeals", tags={}, name="broken")
    assert not registry.has("broken", "champion")
    with pytest.raises(ModelNotFoundError):
        registry.resolve("models:/broken/1")


def stored_files(registry: ModelRegistry, home: Path, name: str, version: str) -> Path:
    """Where MLflow keeps the files of a registered version."""
    from mlflow import MlflowClient

    source = MlflowClient(registry.tracking_uri).get_model_version(name, version).source
    return home / "artifacts" / "models" / source.rpartition("/")[2]


def test_load_registered_files_that_were_altered_is_broken(registry, home, model_folder):
    number = registry.log(model_folder, experiment="appeals", tags={}, name="altered")
    (vocabulary,) = stored_files(registry, home, "altered", number).rglob(folder.VOCABULARY)
    vocabulary.write_text("нет", encoding="utf-8")
    with pytest.raises(BrokenModelError, match=r"vocabulary\.txt: altered"):
        registry.load(f"models:/altered/{number}")


def test_load_registered_files_that_are_gone_is_broken(registry, home, model_folder):
    number = registry.log(model_folder, experiment="appeals", tags={}, name="gone")
    shutil.rmtree(stored_files(registry, home, "gone", number))
    with pytest.raises(BrokenModelError, match=f"models:/gone/{number}: 0 model folders"):
        registry.load(f"models:/gone/{number}")


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelRegistry]:
    """A server's address where nobody listens."""
    import mlflow

    before = mlflow.get_tracking_uri()
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    yield ModelRegistry(f"http://127.0.0.1:{free_port()}", tmp_path)
    mlflow.set_tracking_uri(before)


def test_registry_without_a_server_is_unavailable(unreachable, model_folder):
    calls = [
        lambda: unreachable.load(f"models:/{NAME}@champion"),
        lambda: unreachable.load(f"models:/{NAME}/1"),
        lambda: unreachable.has(NAME, "champion"),
        lambda: unreachable.set_alias(NAME, "champion", "1"),
        lambda: unreachable.log(model_folder, experiment="appeals", tags={}, name=NAME),
    ]
    for call in calls:
        with pytest.raises(RegistryUnavailableError, match=unreachable.tracking_uri):
            call()


def test_registry_store_that_is_no_database_is_unavailable(tmp_path):
    (tmp_path / "junk.db").write_text("not a database " * 100)
    registry = ModelRegistry(f"sqlite:///{tmp_path / 'junk.db'}", tmp_path)
    with pytest.raises(RegistryUnavailableError, match=r"junk\.db"):
        registry.load(f"models:/{NAME}@champion")


def test_log_keeps_parameters_metrics_tags_and_the_data_hash(registry, version, model_folder):
    from mlflow import MlflowClient

    info = folder.load(model_folder).info
    client = MlflowClient(registry.tracking_uri)
    run = client.get_run(client.get_model_version(NAME, version).run_id)
    assert run.data.params == {name: str(value) for name, value in info.parameters.items()}
    assert run.data.params
    assert run.data.metrics == pytest.approx(info.metrics)
    assert run.data.metrics["cv_topic_accuracy"] > 0
    assert run.data.tags["data_hash"] == info.data_hash
    assert run.data.tags["command"] == "triage-train fit"
    assert client.get_experiment(run.info.experiment_id).name == "appeals"


def test_log_keeps_signature_and_input_example(registry, version):
    import mlflow

    info = mlflow.models.get_model_info(f"models:/{NAME}/{version}")
    assert info.signature.inputs.input_names() == ["text", "language"]
    assert info.signature.inputs.required_input_names() == ["text"]
    assert info.signature.outputs.input_names() == ["language", *LEVELS]
    assert info.metadata["data_hash"]
    model = mlflow.pyfunc.load_model(f"models:/{NAME}/{version}")
    example = model.input_example
    assert example["text"].tolist() == list(EXAMPLE_TEXTS)
    assert len(model.predict(example)) == len(EXAMPLE_TEXTS)


def test_pyfunc_answers_as_the_command_line_does(registry, version, frame, answers):
    import mlflow

    model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    assert model.predict(frame).to_dict("records") == answers


def test_pyfunc_missing_text_is_an_empty_one(registry, version):
    import mlflow

    model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    missing, empty = model.predict(pd.DataFrame({"text": [None, ""]})).to_dict("records")
    assert missing == empty


def test_pyfunc_no_rows_give_no_rows_of_the_same_columns(registry, version):
    import mlflow

    model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    answered = model.predict(pd.DataFrame({"text": pd.Series([], dtype=object)}))
    assert len(answered) == 0
    assert list(answered.columns) == ["language", *LEVELS]


def test_pyfunc_keeps_the_index_of_the_frame(registry, version, frame):
    import mlflow

    model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    assert model.predict(frame.iloc[::-1]).index.tolist() == [3, 2, 1, 0]


def test_pyfunc_frame_without_texts_is_refused(registry, version):
    import mlflow

    model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    with pytest.raises(mlflow.MlflowException, match=r"missing inputs \['text'\]"):
        model.predict(pd.DataFrame({"language": ["ru"]}))


def test_pyfunc_elsewhere_answers_from_the_code_in_the_model(registry, version, answers, tmp_path):
    program = f"""
import json, sys
import mlflow, pandas as pd
model = mlflow.pyfunc.load_model("models:/{NAME}@champion")
answer = model.predict(pd.DataFrame(json.load(sys.stdin)))
import models
json.dump([models.__file__, answer.to_dict("records")], sys.stdout)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps({"text": TEXTS, "language": HINTS}),
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=clean_environment(registry),
        timeout=60,
    )
    package, answered = json.loads(done.stdout)
    assert "artifacts" in Path(package).parts
    assert answered == answers


@contextmanager
def served(registry: ModelRegistry, cwd: Path) -> Iterator[str]:
    """MLflow's scoring server, and its address once it answers."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "mlflow", "models", "serve", "-m", f"models:/{NAME}@champion"),
        *("--env-manager", "local", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
    ]
    with (cwd / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command,
            cwd=cwd,
            env=clean_environment(registry),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait_until_ready(server, f"http://127.0.0.1:{port}/ping", cwd / "server.log")
            yield f"http://127.0.0.1:{port}/invocations"
        finally:
            os.killpg(server.pid, 15)
            server.wait(20)


def wait_until_ready(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    for _ in range(300):
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(log.read_text())


def post(url: str, body: dict) -> list[dict]:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)["predictions"]


def test_scoring_server_answers_as_the_command_line_does(registry, version, answers, tmp_path):
    records = [{"text": text, "language": hint} for text, hint in zip(TEXTS, HINTS, strict=True)]
    columns = {"columns": ["text"], "data": [[text] for text in TEXTS]}
    with served(registry, tmp_path) as url:
        assert post(url, {"dataframe_records": records}) == answers
        without_hints = post(url, {"dataframe_split": columns})
        assert [one["topic"] for one in without_hints] == [one["topic"] for one in answers]
        with pytest.raises(urllib.error.HTTPError, match="400"):
            post(url, {"dataframe_records": [{"words": "нет воды"}]})
