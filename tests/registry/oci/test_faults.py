"""One request goes wrong: nothing wrong is published or imported, and the next try completes it."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mvc.images import blobs
from tests.cli.shell import Shell
from tests.registry import histories
from tests.registry.oci import modelpack
from tests.registry.oci.test_import import empty, ids, sound
from tests.registry.oci.test_publish import blob, manifest, tags, url
from tests.servers.proxy import AnyFault, Fault, HttpProxy, RegistryFault, Request, http_proxy
from tests.servers.registry import Registry

FAULTS: list[AnyFault] = [*Fault, *RegistryFault]
_REQUESTS = 34
"""Of a publication of two versions in pieces; an import has fewer."""


@pytest.fixture
def proxy(registry: Registry) -> Iterator[HttpProxy]:
    with http_proxy(int(registry.host.rpartition(":")[2])) as running:
        yield running


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Two versions, whose weights are sent in pieces."""
    monkeypatch.setattr(blobs, "PIECE", 4000)
    shell = histories.small(tmp_path / "ana", monkeypatch)
    shell.write("weights/best.onnx", random.Random(7).randbytes(9000))
    shell.commit("Trained")
    return shell


def complete(registry: Registry, name: str) -> dict[str, str]:
    """The tags there; each is a whole artifact."""
    found = tags(registry, name)
    for digest in set(found.values()):
        modelpack.read(manifest(registry, digest, name), lambda wanted: blob(registry, wanted, name))
    return found


def test_faults_of_a_publication(
    two: Shell, registry: Registry, proxy: HttpProxy, rng: random.Random, deep: bool
) -> None:
    two.ok("publish", url(registry, "expected"), "--all", "--tag", "prod")
    expected = complete(registry, "expected")
    there = proxy.url.replace("http://", "oci://")
    for number in range(150 if deep else 12):
        name = f"faults-{rng.getrandbits(40)}"
        proxy.at(rng.randrange(1, _REQUESTS), rng.choice(FAULTS))
        said = two("publish", f"{there}/team/{name}", "--all", "--tag", "prod")
        assert said.code in {0, 12, 13, 15, 17}, (number, said)
        published = complete(registry, name)
        assert published.items() <= expected.items(), number
        proxy.well()
        two.ok("publish", f"{there}/team/{name}", "--all", "--tag", "prod")
        assert complete(registry, name) == expected


def test_faults_of_an_import(
    two: Shell, registry: Registry, proxy: HttpProxy, rng: random.Random, deep: bool,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    two.ok("publish", url(registry, "source"), "--all", "--tag", "prod")
    there = f"{proxy.url.replace('http://', 'oci://')}/team/source"
    for number in range(150 if deep else 10):
        ben = empty(tmp_path / f"ben-{number}", monkeypatch)
        proxy.at(rng.randrange(1, 16), rng.choice(FAULTS))
        said = ben("import", there)
        assert said.code in {0, 2, 3, 12, 15, 17}, (number, said)
        proxy.well()
        ben.ok("import", there)
        assert ids(ben) == ids(two)
        sound(ben)


def test_a_killed_publication_is_completed_by_the_next(
    two: Shell, registry: Registry, proxy: HttpProxy, rng: random.Random, deep: bool
) -> None:
    two.ok("publish", url(registry, "unkilled"), "--all", "--tag", "prod")
    expected = complete(registry, "unkilled")
    points = range(1, _REQUESTS) if deep else rng.sample(range(1, _REQUESTS - 10), 2)
    for point in points:
        there = f"{proxy.url.replace('http://', 'oci://')}/team/killed-{rng.getrandbits(40)}"
        command = [sys.executable, "-m", "mvc", "publish", there, "--all", "--tag", "prod"]
        with subprocess.Popen(command, cwd=two.folder, stdout=subprocess.DEVNULL) as process:
            proxy.well()

            def kill(_: Request, process: subprocess.Popen[bytes] = process, point: int = point) -> Fault | None:
                """From the point on nothing arrives, so that nothing is on its way when the registry is looked at."""
                if len(proxy.asked) < point:
                    return None
                process.kill()
                return Fault.UNHEARD

            proxy.fault = kill
            process.wait()
        proxy.well()
        name = there.rpartition("/")[2]
        assert complete(registry, name).items() <= expected.items(), point
        two.ok("publish", there, "--all", "--tag", "prod")
        assert complete(registry, name) == expected


@pytest.mark.parametrize("faults", [[Fault.TOO_MANY] * 3, [Fault.BROKEN, Fault.CUT, Fault.UNHEARD]])
def test_several_faults_in_a_row_are_survived(
    two: Shell, registry: Registry, proxy: HttpProxy, faults: list[AnyFault]
) -> None:
    left = list(faults)
    proxy.fault = lambda request: left.pop() if left and request.method != "GET" else None
    two.ok("publish", f"{proxy.url.replace('http://', 'oci://')}/team/row-{faults[0].name.lower()}", "--all")
    assert left == []


def test_a_registry_that_is_away_is_named(two: Shell, proxy: HttpProxy) -> None:
    proxy.fault = lambda _: Fault.AWAY
    said = two("publish", f"{proxy.url.replace('http://', 'oci://')}/team/away", "v1")
    assert said.code == 15
    assert "Cannot reach 127.0.0.1" in said.err
    assert "it answers 503" in said.err
