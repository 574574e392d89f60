"""`make test-integrations`: mvc beside the trainers and tools of others, each in a virtual environment of its own.

    tests/integrations/NAME/requirements.txt    what the tests of that folder need, pinned
    tests/integrations/NAME/no-dependencies.txt what is installed without its own dependencies, if anything is
    tests/integrations/NAME/site                modules for each Python that starts there, if any
    tests/integrations/NAME/test_*.py           its tests

    python -m tests.integrations.main                          every folder
    python -m tests.integrations.main trainers dvc -k keras    these folders; the rest is for pytest
    python -m tests.integrations.main --small                  as CI: without `LARGE`, half of `HEAVY`, no slow tests
    python -m tests.integrations.main --small --install        make their environments only

An environment has pytest, what mvc depends on, and these requirements; mvc itself is this clone. It is kept in
`$MVC_TEST_TOOLS/integrations/NAME` and built again when what it is made of changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import shutil
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
AT_ONCE = 2
"""Folders that are tested at the same time: much of it is waiting for processes that start."""
LARGE = ("exports",)
"""Folders with environments of gigabytes, which CI leaves out."""
HEAVY = ("browser", "formats", "trainers", "ultralytics")
"""Folders that take a minute each, of which `--small` draws half by `MVC_TEST_DRAW`."""
SMALL = "MVC_TEST_SMALL"
"""The variable that is set for tests by `--small`."""
TESTED_WITH = ("pytest>=8.4", "pytest-timeout>=2.4")
QUIET = {
    "HF_HUB_OFFLINE": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false",
}  # fmt: skip
"""No library asks its hub, or reports its use, and nets this small are slower in several threads.

MLflow's report changes the environment in a thread, while another one reads all of it.
"""


def names() -> list[str]:
    """The folders with tests, each of which has an environment."""
    return sorted(path.parent.name for path in HERE.glob("*/requirements.txt"))


def tools() -> Path:
    """The folder of all environments."""
    return Path(os.environ.get("MVC_TEST_TOOLS") or Path.home() / ".cache" / "mvc-test-tools") / "integrations"


def is_within(name: str) -> bool:
    """Return whether this Python is that of the environment `name`."""
    return Path(sys.prefix).parts[-2:] == ("integrations", name)


def environment(name: str) -> Path:
    """Return the Python of the environment `name`, which is built unless it is there."""
    folder = tools() / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_suffix(".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several clones may use one cache
        stamp, wanted = folder / "built-from", _ingredients(name)
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
            print(f"{name}: installing into {folder}", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
            _install(folder, ["--no-deps"], [], HERE / name / "no-dependencies.txt")
            _install(folder, [], [*TESTED_WITH, *_dependencies()], HERE / name / "requirements.txt")
            stamp.write_text(wanted, encoding="utf-8")
    return folder / "bin" / "python"


def _ingredients(name: str) -> str:
    """A digest of all that the environment is made of."""
    files = [path.read_text(encoding="utf-8") for path in sorted((HERE / name).glob("*.txt"))]
    return hashlib.sha256(
        repr((sys.version, sys.base_prefix, TESTED_WITH, _dependencies(), files)).encode()
    ).hexdigest()


def _dependencies() -> list[str]:
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return list(project["dependencies"])


def _install(folder: Path, options: list[str], packages: list[str], file: Path) -> None:
    """Install with uv, in a tenth of pip's time; with pip where that fails, as the Makefile does."""
    if not file.is_file():
        return
    python = str(folder / "bin" / "python")
    given = [*options, *packages, "-r", str(file)]
    known = {name.replace("PIP_", "UV_", 1): value for name, value in os.environ.items() if name in _INDEXES}
    for program in (
        ["uv", "pip", "install", "--quiet", "--python", python],
        ["pip", "--python", python, "install", "-qq"],
    ):
        done = subprocess.run([sys.executable, "-m", *program, *given], env=known | os.environ, check=False)
        if done.returncode == 0:
            return
    sys.exit(f"could not install what {file.relative_to(TOP)} lists")


_INDEXES = ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_INDEX_URL")
"""What pip is told by the environment about where packages are, which uv reads under its own names."""


def run(name: str, options: list[str], *, is_alone: bool) -> int:
    """Run the tests of one folder in its environment, and return pytest's exit code; print as it goes if it `is_alone`."""
    python = environment(name)
    paths = {"PYTHONPATH": f"{HERE / name / 'site'}:{TOP}", "PATH": f"{python.parent}:{os.environ['PATH']}"}
    command = [python, "-m", "pytest", "-p", "no:cacheprovider", "-o", "filterwarnings=default", HERE / name, *options]
    started = time.monotonic()
    where = None if is_alone else subprocess.PIPE
    environ = os.environ | QUIET | paths
    done = subprocess.run(
        [*map(str, command)], cwd=TOP, env=environ, stdout=where, stderr=subprocess.STDOUT, check=False
    )
    said = (done.stdout or b"").decode(errors="replace")
    print(f"{said}{name}: {time.monotonic() - started:.0f} s", flush=True)
    return done.returncode


def _drawn() -> list[str]:
    """The folders of `--small`; the same ones, and the same cases in them, for the same `MVC_TEST_DRAW`."""
    draw = os.environ.setdefault("MVC_TEST_DRAW", str(random.SystemRandom().getrandbits(32)))
    left = random.Random(draw).sample(HEAVY, len(HEAVY) // 2)
    print(f"drawn folders: without {' and '.join(left)}; MVC_TEST_DRAW={draw}", flush=True)
    return [name for name in names() if name not in {*LARGE, *left}]


def main(arguments: list[str]) -> int:
    """Run the folders that are named first, else all, and return 1 if one failed; with --install, make their environments."""
    chosen = [argument for argument in arguments if argument in names()]
    options = [argument for argument in arguments if argument not in {*chosen, "--small", "--install"}]
    if "--small" in arguments:
        os.environ[SMALL] = "1"
        chosen = chosen or _drawn()
    chosen = chosen or names()
    if "--install" in arguments:
        for name in chosen:
            environment(name)
        return 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        codes = [*pool.map(lambda name: run(name, options, is_alone=len(chosen) == 1), chosen)]
    failed = [name for name, code in zip(chosen, codes, strict=True) if code != 0]
    if failed:
        print(f"failed: {' '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
