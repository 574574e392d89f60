"""What every test stands on: a machine without settings, a printed seed, and programs that are there or named."""

from __future__ import annotations

import compileall
import contextlib
import gc
import importlib
import os
import random
import shutil
import signal
import ssl
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from mvc.remotes.backends import probe
from tests.crash.harness import memory_folder
from tests.integrations.main import SMALL

signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
"""They are ignored below nohup and in the background, and every program that a test starts would ignore them, too."""

QUICK = {
    "bench",
    "errors",
    "formats",
    "model",
    "readiness",
    "repository",
    "storage",
    "test_architecture.py",
    "test_backoff.py",
    "test_language.py",
    "test_plural.py",
    "test_stateful.py",
}
"""Suites that take less than a minute together, which `make check` runs."""
LONGEST = {
    "test_collection.py",
    "test_demo.py",
    "test_everywhere.py",
    "test_examples.py",
    "test_fuzz.py",
    "test_kills.py",
    "test_large.py",
    "test_mutations.py",
    "test_power.py",
    "test_races.py",
    "test_stateful.py",
    "test_take_verbs.py",
}
"""Files of tests that each take seconds."""
DRAWN = {
    "cli/test_check_repairs.py": 3,
    "crash/test_crash.py": 3,
    "formats/test_fuzz.py": 2,
    "formats/test_torch.py": 2,
    "integrations/browser/test_hostile.py": 5,
    "integrations/browser/test_screens.py": 12,
    "porcelain/test_presence.py": 3,
    "porcelain/test_rebase.py": 2,
    "refusals/test_budgets.py": 2,
    "refusals/test_stores.py": 3,
    "registry/test_drift.py": 3,
    "registry/test_import_faults.py": 3,
    "registry/test_publish_faults.py": 3,
    "registry/test_sequences.py": 3,
    "remotes/test_faults.py": 3,
    "remotes/test_healing.py": 3,
    "remotes/test_hostile.py": 3,
    "remotes/test_hostile_chunks.py": 3,
    "remotes/test_hostile_names.py": 3,
    "remotes/test_proxy.py": 3,
    "storage/test_statcache.py": 2,
    "training/test_faults.py": 3,
}
"""Sweeps of many cases of a few kinds, and of how many cases a run of all tests draws one."""
IN_MEMORY = {
    "api", "cli", "damage", "docs", "hostile", "images", "imports", "intake", "policy", "porcelain", "registry", "remotes", "site",
    "training", "trust",
}  # fmt: skip
"""Suites that do not depend on the disk, which takes a quarter of their time to make folders."""
ON_DISK = {
    "test_edits.py",
    "test_export_link.py",
    "test_files.py",
    "test_filesystems.py",
    "test_links.py",
    "test_moved_folders.py",
    "test_mv.py",
    "test_tensors.py",
}
"""Files of these suites that do: stamps, links and permissions are those of a usual file system."""

QUIET = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "NO_COLOR": "1",
    "TZ": "UTC",
}
"""No test sees the settings of whoever runs it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--deep", action="store_true", help="every point and round, not only as many as fit in minutes")
    parser.addoption("--quick", action="store_true", help="the quick suites only, as `make check` runs them")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores: a quarter of the time of tests with servers is waiting for them."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """With --deep no test is ended for its length. All workers draw the same cases, those of MVC_TEST_DRAW."""
    if config.getoption("--deep"):
        config.option.timeout = 0
    os.environ.setdefault("MVC_TEST_DRAW", str(random.SystemRandom().getrandbits(32)))


def pytest_report_header(config: pytest.Config) -> str | None:
    return f"drawn cases: MVC_TEST_DRAW={os.environ['MVC_TEST_DRAW']}" if _draws(config) else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With --quick no other suite is even imported."""
    suite = collection_path.relative_to(Path(__file__).parent).parts
    is_slow = QUICK.isdisjoint({*suite[:1], collection_path.name})
    return True if config.getoption("--quick") and collection_path.is_file() and is_slow else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Compile mvc and import the tests, each worker from a place of its own: in a new clone it finds what others compiled.

    All of them would compile the same module at the same moment else, which takes twice as long as all else of a collection.
    """
    top, given = Path(__file__).parent, getattr(session.config, "workerinput", None)
    if given is None or sys.dont_write_bytecode or [Path(each).resolve() for each in session.config.args] != [top]:
        return
    share = int(given["workerid"].removeprefix("gw")) / given["workercount"]
    for path in _from(share, sorted((top.parent / "mvc").rglob("*.py"))):
        compileall.compile_file(path, quiet=2)
    for path in _from(share, sorted(top.rglob("test_*.py"))):
        if "integrations" not in path.parts and not pytest_ignore_collect(path, session.config):
            with contextlib.suppress(Exception, pytest.skip.Exception):  # the collection says what is wrong
                importlib.import_module(".".join(path.relative_to(top.parent).with_suffix("").parts))


def _from(share: float, paths: list[Path]) -> list[Path]:
    """All paths, beginning with a part of them."""
    first = round(share * len(paths))
    return paths[first:] + paths[:first]


def _draws(config: pytest.Config) -> bool:
    """Whether a part of the cases of each sweep is enough: in a run of all tests, without --deep, and with --small."""
    is_all = [Path(each).resolve() for each in config.args] == [Path(__file__).parent]
    return not config.getoption("--deep") and (is_all or SMALL in os.environ)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the longest tests first, so that at the end no worker waits for another; of the sweeps, run what is drawn."""
    top, sweeps = Path(__file__).parent, dict[tuple[int, str], list[pytest.Item]]()
    for item in items if _draws(config) else ():
        if (share := DRAWN.get(item.path.relative_to(top).as_posix())) and "[" in item.name:
            sweeps.setdefault((share, item.nodeid.partition("[")[0]), []).append(item)
    left = {item for (share, name), cases in sweeps.items() for item in _left_out(share, name, cases)}
    config.hook.pytest_deselected(items=[item for item in items if item in left])
    items[:] = sorted((item for item in items if item not in left), key=lambda item: item.path.name not in LONGEST)


def _left_out(share: int, name: str, cases: list[pytest.Item]) -> list[pytest.Item]:
    """The cases of a sweep that are not run this time: all but one in `share`, and at least one is run."""
    drawn = max(1, round(len(cases) / share))
    return random.Random(os.environ["MVC_TEST_DRAW"] + name).sample(cases, len(cases) - drawn)


def pytest_collection_finish() -> None:
    """Have the garbage collector leave alone what lives until the end: thousands of tests, and all that they import."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def deep(request: pytest.FixtureRequest) -> bool:
    """Whether `--deep` asks for the full figures."""
    return bool(request.config.getoption("--deep"))


@pytest.fixture
def rng() -> random.Random:
    """A source of random values; its seed is printed when the test fails, and MVC_TEST_SEED repeats it."""
    seed = int(os.environ.get("MVC_TEST_SEED") or random.SystemRandom().getrandbits(32))
    print(f"seed: MVC_TEST_SEED={seed}")  # noqa: T201 - pytest shows it with a failure only
    return random.Random(seed)


def is_tmpfs(folder: Path) -> bool:
    """Whether a folder is on a file system in memory."""
    rows = [line.split() for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    mounts = {row[1]: row[2] for row in rows}
    above = [str(each) for each in (folder.resolve(), *folder.resolve().parents)]
    return next(mounts[each] for each in above if each in mounts) == "tmpfs"


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder of the test's own; in memory where there is one and the test does not depend on the disk."""
    suite = request.path.relative_to(Path(__file__).parent).parts[0]
    is_in_memory = suite in IN_MEMORY and request.path.name not in ON_DISK
    with memory_folder(tmp_path) if is_in_memory else contextlib.nullcontext(tmp_path) as folder:
        yield folder


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder on a file system in memory (tmpfs), or the test is skipped."""
    if not os.path.ismount("/dev/shm"):
        absent("/dev/shm is not mounted")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def requires() -> Callable[[str], str]:
    """`requires("restic")` is the program's path, or skips the test; under MVC_REQUIRE_SERVERS=1 it fails instead."""
    return _requires


def _requires(program: str) -> str:
    path = shutil.which(program)
    return path if path is not None else absent(f"{program} is not installed")


def absent(reason: str) -> NoReturn:
    """Skip the test, since what it needs is not there; where servers are required, fail it."""
    if os.environ.get("MVC_REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


_fsync = os.fsync


@pytest.fixture(scope="session", autouse=True)
def _no_wait_for_the_disk(deep: bool) -> Iterator[None]:
    """A sync in the tests' own process returns at once, except with --deep: no test cuts the power.

    What is synced, and when, is in the steps of the door, which stay; programs that a test starts do sync.
    """
    with pytest.MonkeyPatch.context() as patch:
        if not deep:
            patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_public_authorities() -> Iterator[None]:
    """Have no client read the public authorities, which takes longer than most requests: no server of a test has their word.

    They are in `cacert.pem`, of certifi and of botocore, where OpenSSL looks for them, and in the files that the
    environment names.
    """
    names = "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"
    public = {os.environ.get(name) for name in names} - {None}
    load, default = ssl.SSLContext.load_verify_locations, ssl.SSLContext.load_default_certs

    def own(self: ssl.SSLContext, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:
        if os.path.basename(cafile or "") != "cacert.pem" and cafile not in public:
            load(self, cafile, capath, cadata)

    def named(self: ssl.SSLContext, purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH) -> None:
        if {os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")} - {None, *public}:
            default(self, purpose)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl.SSLContext, "load_verify_locations", own)
        patch.setattr(ssl.SSLContext, "load_default_certs", named)
        yield


PROBE = {"THREADS": probe.THREADS, "NAMES": probe.NAMES, "BIG": probe.BIG}


@pytest.fixture(scope="session", autouse=True)
def _small_probe(deep: bool) -> Iterator[None]:
    """Try out each new remote with few requests, except with --deep: to do it in full takes longer than most pushes."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {} if deep else {"THREADS": 2, "NAMES": 2, "BIG": 1 << 16}.items():
            patch.setattr(probe, name, value)
        yield


@pytest.fixture
def real_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try out each new remote as mvc does, for a test of the probe."""
    for name, value in PROBE.items():
        monkeypatch.setattr(probe, name, value)


@pytest.fixture
def real_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sync goes to the disk, for a test of the door to it."""
    monkeypatch.setattr(os, "fsync", _fsync)


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("MVC_", "GIT_"))]:
            if name not in ("MVC_REQUIRE_SERVERS", "MVC_TEST_SEED"):
                patch.delenv(name)
        for name, value in QUIET.items():
            patch.setenv(name, value)
        home = tmp_path_factory.mktemp("home")
        patch.setenv("HOME", str(home))
        patch.setenv("MVC_CONFIG", str(home / "mvc.toml"))
        patch.delenv("XDG_CACHE_HOME", raising=False)
        patch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path_factory.getbasetemp().parent))
        yield


@pytest.fixture(autouse=True)
def _no_settings_of_another_test(_no_settings_from_outside: None) -> Iterator[None]:
    """Hosts that one test approved are not approved in the next."""
    yield
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(os.environ["HOME"], "mvc.toml"))
