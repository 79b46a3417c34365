"""Nothing in the packages runs what a file or a request holds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from triage.config import STARTER_DATA

ROOT = STARTER_DATA.parent.parent
PACKAGES = ("models", "triage", "api", "training")
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]

IMPORTS = frozenset({"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal"})
NAMES = frozenset({"eval", "exec", "compile", "__import__"})
CALLS = frozenset(
    {
        *("joblib.load", "joblib.dump", "torch.load", "torch.save", "torch.jit.load"),
        *("np.load", "numpy.load", "pd.read_pickle", "pandas.read_pickle", "skops.io.load"),
        *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all"),
        *("os.system", "os.popen", "mlflow.sklearn.load_model", "mlflow.pyfunc.load_model"),
    }
)
KEYWORDS = frozenset({"allow_pickle", "trust_remote_code", "shell"})

ALLOWED = {
    ("triage/rulefile.py", "yaml.load"),  # with a loader of its own, which is a SafeLoader
}


def found(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.split(".")[0] in IMPORTS)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in IMPORTS:
            yield str(node.module)
        elif isinstance(node, ast.Call):
            yield from called(node)


def called(call: ast.Call) -> Iterator[str]:
    name = ast.unparse(call.func)
    if name in CALLS or (isinstance(call.func, ast.Name) and name in NAMES):
        yield name
    for keyword in call.keywords:
        value = keyword.value
        if keyword.arg in KEYWORDS and not (
            isinstance(value, ast.Constant) and value.value is False
        ):
            yield f"{name}({keyword.arg}=)"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_runs_nothing_that_it_reads(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()

    used = {(name, what) for what in found(ast.parse(path.read_text("utf-8")))}

    assert used <= ALLOWED


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from cloudpickle import loads",
        "import joblib\njoblib.load(path)",
        "np.load(path, allow_pickle=True)",
        "read(path, allow_pickle=flag)",
        "eval(text)",
        "yaml.load(text, Loader)",
        "torch.load(path)",
    ],
)
def test_found_names_what_runs_what_it_reads(source: str) -> None:
    assert list(found(ast.parse(source)))


def test_found_passes_what_only_sounds_alike() -> None:
    source = "model.eval()\njoblib.Parallel(2)\nre.compile('a')\nload(p, allow_pickle=False)"

    assert list(found(ast.parse(source))) == []


def test_rules_are_read_by_a_safe_loader() -> None:
    import yaml

    from triage import rulefile

    assert issubclass(rulefile._Loader, yaml.SafeLoader)
