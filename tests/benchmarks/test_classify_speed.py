"""How fast appeals are classified: over HTTP, beside others that do less or the same, and offline.

Every figure stands beside one of something else in the same run: machines are shared and noisy.
The short versions only show that the measuring works.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import httpx
import pytest
from load_client import Load, post
from results_page import PERFORMANCE
from server_process import TRIAGE, Server, free_port, server_environment

from models.folder import load
from models.registry import ModelRegistry
from training.starter import fit_starter
from triage.config import STARTER_DATA, load_settings
from triage.progress import Silent

CONNECTIONS = 32
APPEAL_CHARS = 350
SEED = 109
COMMAND = "make bench"


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    seconds: float
    warm_up: float
    rows: tuple[int, int]


SHORT = Extent(seconds=0.5, warm_up=0.2, rows=(300, 600))
FULL = Extent(seconds=10.0, warm_up=15.0, rows=(20_000, 100_000))

EXTENTS = [
    pytest.param(SHORT, id="short"),
    pytest.param(FULL, id="full", marks=pytest.mark.soak),
]
each_extent = pytest.mark.parametrize("extent", EXTENTS)
pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def starter_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model that a fresh clone serves: of `make run` where there is one, else fitted now."""
    folder = load_settings().home.resolve() / "starter"
    if not folder.is_dir():
        folder = tmp_path_factory.mktemp("fitted") / "starter"
        fit_starter(folder, encoder="static", progress=Silent())
    load(folder)  # says so if an older version has made it
    return folder


@pytest.fixture
def model(extent: Extent, request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue("model_folder" if extent is SHORT else "starter_model")
    return found


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Appeals of some 350 characters, each of two that came."""
    lines = (STARTER_DATA / "appeals.jsonl").read_text("utf-8").splitlines()
    found = [json.loads(line)["text"] for line in lines]
    drawn = random.Random(SEED)  # no secret
    pairs = (" ".join(drawn.sample(found, 2)) for _ in count())
    chosen = (text for text in pairs if abs(len(text) - APPEAL_CHARS) < APPEAL_CHARS / 5)
    return list(islice(chosen, FULL.rows[1]))


def bodies(texts: list[str]) -> list[bytes]:
    return [json.dumps({"text": text}, ensure_ascii=False).encode() for text in texts[:5_000]]


@contextmanager
def process(command: list[str], port: int, path: str, **more: object) -> Iterator[int]:
    """Run a server until the block ends; give its port once it answers."""
    served = subprocess.Popen(  # type: ignore[call-overload]  # whatever a server needs
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more
    )
    try:
        for _ in range(600):
            assert served.poll() is None, command
            try:
                httpx.get(f"http://127.0.0.1:{port}{path}", timeout=1)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield port
    finally:
        served.terminate()
        served.wait(20)


@contextmanager
def echo() -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "echo_app:app", "--log-level", "warning"]
    paths = f"{Path(__file__).parents[1]}{os.pathsep}{Path(__file__).parents[2]}"
    environment = os.environ | {"PYTHONPATH": paths}
    with process([*command, "--port", str(port)], port, "/docs", env=environment) as found:
        yield found


@contextmanager
def ours(environment: dict[str, str], log: Path) -> Iterator[int]:
    server = Server(environment, log)
    server.start()
    try:
        server.wait_until_ready()
        yield server.port
    finally:
        server.kill()


def loaded(port: int, sent: list[bytes], extent: Extent, connections: int) -> Load:
    load = post(port, "/classify", sent, connections=connections, seconds=extent.seconds)
    assert not load.refused
    return load


@each_extent
@pytest.mark.parametrize("workers", [1, 2])
def test_classify_beside_an_echo(
    extent: Extent,
    workers: int,
    model: Path,
    store_url: str,
    texts: list[str],
    tmp_path: Path,
) -> None:
    environment = server_environment(
        tmp_path, database_url=store_url, model=str(model), workers=str(workers)
    )
    sent = bodies(texts)
    with ours(environment, tmp_path / "server.log") as port, echo() as echo_port:
        post(port, "/classify", sent, connections=CONNECTIONS, seconds=extent.warm_up)
        many, many_echoed = (loaded(one, sent, extent, CONNECTIONS) for one in (port, echo_port))
        one, one_echoed = (loaded(at, sent, extent, 1) for at in (port, echo_port))
    assert many.seconds
    assert one.seconds
    if extent is SHORT:
        return
    database = store_url.partition(":")[0]
    PERFORMANCE.record(
        "http",
        f"{database}, {workers} worker{'s' * (workers > 1)}",
        {
            "32 connections": round(many.per_second),
            "an echo": round(many_echoed.per_second),
            "ratio": round(many.per_second / many_echoed.per_second, 3),
            "median of 1 connection, ms": round(one.median_ms, 1),
            "an echo's, ms": round(one_echoed.median_ms, 1),
        },
        command=COMMAND,
    )


@each_extent
def test_classify_beside_mlflow(
    extent: Extent, model: Path, texts: list[str], tmp_path: Path
) -> None:
    registry = ModelRegistry(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")
    version = registry.log(model, experiment="bench", tags={}, name="appeal-triage")
    sent = bodies(texts)
    records = [
        json.dumps({"dataframe_records": [json.loads(body)]}, ensure_ascii=False).encode()
        for body in sent
    ]
    port = free_port()
    command = [
        *(sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local"),
        *("-m", f"models:/appeal-triage/{version}", "--port", str(port), "--workers", "1"),
    ]
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'mlflow.db'}",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    with (
        process(command, port, "/ping", env=environment, cwd=tmp_path) as theirs,
        ours(server_environment(tmp_path, model=str(model)), tmp_path / "log") as mine,
    ):
        for at, path, them in ((mine, "/classify", sent), (theirs, "/invocations", records)):
            post(at, path, them, connections=CONNECTIONS, seconds=extent.warm_up)
        ours_found = loaded(mine, sent, extent, CONNECTIONS)
        theirs_found = post(
            theirs, "/invocations", records, connections=CONNECTIONS, seconds=extent.seconds
        )
    assert theirs_found.seconds
    assert not theirs_found.refused
    if extent is FULL:
        PERFORMANCE.record(
            "mlflow",
            "`POST /classify`, stored",
            {
                "a second": round(ours_found.per_second),
                "mlflow models serve": round(theirs_found.per_second),
                "ratio": round(ours_found.per_second / theirs_found.per_second, 1),
            },
            command=COMMAND,
        )


MEASURED = """
import os, subprocess, sys, time
started = time.perf_counter()
running = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(running.pid, 0)
print(time.perf_counter() - started, used.ru_maxrss / 1024)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def on_one_core(command: list[str]) -> tuple[float, float]:
    """Return how many seconds a command takes on one core, and its peak memory in MB.

    A small process starts it: the kernel counts to a process's peak what the one that started it
    held, which here are all the texts.
    """
    done = subprocess.run(
        ["taskset", "--cpu-list", "0", sys.executable, "-c", MEASURED, *command],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes


FASTTEXT = """
import json, sys, tempfile, fasttext
train, texts = sys.argv[1:]
model = fasttext.train_supervised(train, dim=64, epoch=2, minn=3, maxn=5, bucket=200000, thread=1)
import time
started = time.perf_counter()
for line in open(texts, encoding="utf-8"):
    json.dumps(model.predict(json.loads(line)["text"], k=5)[0])
print(time.perf_counter() - started)
"""


def fasttext_seconds(texts: Path, folder: Path) -> float:
    """Return how long fastText's Python predict takes for a file of appeals, reading it as well."""
    train = folder / "train.txt"
    lines = (STARTER_DATA / "appeals.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    train.write_text("".join(f"__label__{row['topic']} {row['text']}\n" for row in rows), "utf-8")
    done = subprocess.run(
        ["taskset", "--cpu-list", "0", sys.executable, "-c", FASTTEXT, str(train), str(texts)],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


@each_extent
def test_classify_a_file(extent: Extent, model: Path, texts: list[str], tmp_path: Path) -> None:
    pytest.importorskip("fasttext")
    seconds, megabytes = {}, {}
    for rows in extent.rows:
        source = tmp_path / f"{rows}.jsonl"
        lines = (json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts[:rows])
        source.write_text("".join(lines), "utf-8")
        command = [TRIAGE, "classify", "--model", str(model), "--input", str(source)]
        output = tmp_path / f"{rows}.answers"
        seconds[rows], megabytes[rows] = on_one_core([*command, "--output", str(output)])
        assert len(output.read_text("utf-8").splitlines()) == rows
    few, many = extent.rows
    # Starting and loading take the same time for both.
    per_second = (many - few) / (seconds[many] - seconds[few])
    theirs = many / fasttext_seconds(tmp_path / f"{many}.jsonl", tmp_path)
    assert megabytes[many] < megabytes[few] + 60
    if extent is FULL:
        PERFORMANCE.record(
            "offline",
            "`triage classify --input`",
            {
                "a second": round(per_second),
                "fastText's predict": round(theirs),
                "ratio": round(per_second / theirs, 2),
                f"peak MB of {few:,}": round(megabytes[few]),
                f"of {many:,}": round(megabytes[many]),
            },
            command=COMMAND,
        )


@each_extent
def test_start_to_ready(extent: Extent, model: Path, tmp_path: Path) -> None:
    seconds = []
    for _ in range(3):
        server = Server(server_environment(tmp_path, model=str(model)), tmp_path / "log")
        started = time.perf_counter()
        server.start()
        try:
            server.wait_until_ready()
            seconds.append(time.perf_counter() - started)
            resident = server.resident_megabytes()
        finally:
            server.kill()
    assert resident > 0
    if extent is FULL:
        PERFORMANCE.record(
            "start",
            "`triage serve`, the starter model",
            {"seconds to ready, the best of 3": round(min(seconds), 1), "MB": round(resident)},
            command=COMMAND,
        )
