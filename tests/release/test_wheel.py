"""The distributions hold what users need and nothing else; an installed wheel runs the README's tour."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import mvc
from tests.conftest import absent
from tests.docs import pasted
from tests.release.dist import TOP
from tests.release.test_install_commands import PROJECT

OLDEST = (3, 11)
PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
CACHE = os.environ.get("PIP_CACHE_DIR") or str(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pip")
"""Read while tests are collected: they run in an empty home folder, and need not download everything again."""


def pythons() -> dict[str, str]:
    """Each version of Python from 3.11 on that is on this machine, with its program; the one that runs the tests first."""
    folders = [*map(Path, os.get_exec_path()), *sorted(PYENV.glob("versions/*/bin"))]
    candidates = [sys.executable, *(str(path) for folder in folders for path in sorted(folder.glob("python3.[0-9]*")))]
    programs: dict[str, str] = {}
    for program in candidates:
        if re.search(r"python[\d.]*$", program) and (version := _version(program)) is not None:
            programs.setdefault(version, program)
    return programs


def _version(program: str) -> str | None:
    """The version of a Python that is new enough; a shim of pyenv may be there and yet run nothing."""
    code = f"import sys, venv; print('%d.%d' % sys.version_info[:2]); sys.exit(sys.version_info < {OLDEST})"
    done = subprocess.run([program, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "python" in metafunc.fixturenames:
        programs = pythons() if metafunc.config.getoption("--deep") else {"this": sys.executable}
        metafunc.parametrize("python", programs.values(), ids=programs)


@pytest.fixture
def installed(python: str, wheel: Path, tmp_path: Path) -> Path:
    """The `bin` of a fresh virtual environment of `python` with the wheel and what it depends on, no extra."""
    environment = tmp_path / "venv"
    subprocess.run([python, "-m", "venv", "--without-pip", str(environment)], check=True)
    done = _pip(environment, "install", "--no-compile", "--cache-dir", CACHE, str(wheel))
    if done.returncode != 0:
        probe = _pip(environment, "download", "--no-deps", "--dest", str(tmp_path), "click")
        if probe.returncode != 0:
            absent(f"the package index cannot be reached: {probe.stderr.strip().rpartition('ERROR: ')[2]}")
        pytest.fail(done.stdout + done.stderr)
    return environment / "bin"


def _pip(environment: Path, *words: str) -> subprocess.CompletedProcess[str]:
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python")]
    limits = ["--retries", "1", "--timeout", "20", "--disable-pip-version-check"]
    return subprocess.run([*pip, *words, *limits], capture_output=True, text=True, check=False)


def _names(path: Path) -> Iterator[str]:
    """The files of a distribution; those of an sdist below its one folder."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            yield from archive.namelist()
    else:
        with tarfile.open(path) as archive:
            yield from (name.partition("/")[2] for name in archive.getnames())


def test_the_wheel_is_the_package_and_its_man_pages(wheel: Path) -> None:
    names = set(_names(wheel))
    package = {str(path.relative_to(TOP)) for path in (TOP / "mvc").rglob("*") if path.is_file()}
    package = {path for path in package if "__pycache__" not in path}
    stem = f"{PROJECT['name']}-{mvc.__version__}"
    assert package <= names
    assert {
        name for name in names - package if not name.startswith((f"{stem}.dist-info/", f"{stem}.data/data/"))
    } == set()


def test_the_sdist_is_the_sources_and_the_pages(distributions: Path) -> None:
    (sdist,) = distributions.glob("*.tar.gz")
    names = set(_names(sdist))
    assert sdist.name == f"{PROJECT['name']}-{mvc.__version__}.tar.gz"
    assert {name.partition("/")[0] for name in names} == {
        "mvc", "docs", "build", "README.md", "CHANGELOG.md", "CITATION.cff", "LICENSE", "PKG-INFO", "pyproject.toml", ".gitignore",
    }  # fmt: skip
    assert {name for name in names if name.startswith("build/")} == {name for name in names if name.endswith(".1")}


def test_an_installed_wheel_runs_the_tour(installed: Path, tmp_path: Path) -> None:
    code = "import importlib.metadata as m, mvc; print(mvc.__file__); print(m.version('modelvc'))"
    place, version = subprocess.run(
        [str(installed / "python"), "-I", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert Path(place).is_relative_to(installed.parent)
    assert version == mvc.__version__
    assert (installed.parent / "share" / "man" / "man1" / "mvc-commit.1").is_file()
    assert _pip(installed.parent, "check").returncode == 0
    answer = subprocess.run([str(installed / "mvc"), "--version"], capture_output=True, text=True, check=True).stdout
    assert answer == f"mvc {mvc.__version__}\n"
    done = pasted.paste(pasted.TOUR, tmp_path, installed / "mvc")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
