"""The tour: what a person does with the versions of a model, on real weights. Run by `make demo`.

Every command is the real command line, printed as it is typed. The repository stays in build/demo to look around in.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.demo.registry import there_and_back
from tests.demo.releases import Model, Release, own, published
from tests.demo.typed import BUILD, ENVIRONMENT, PLACE, TOP, TourFailedError, mvc, say

WEIGHTS = PLACE / "weights"


def git(*arguments: str) -> None:
    """Run Git in silence: the training code lies in it."""
    who = ["-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *arguments], cwd=PLACE, env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)


def lay_out(release: Release) -> None:
    """Put the files of a release where training would have left them."""
    shutil.rmtree(WEIGHTS, ignore_errors=True)
    WEIGHTS.mkdir()
    for name, data in release.files.items():
        (WEIGHTS / name).write_bytes(data)


def begin(model: Model) -> None:
    """A folder with training code in Git and the weights of the first release."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    (PLACE / "train.py").write_text("print('this would train')\n", encoding="utf-8")
    git("init", "-q")
    git("add", "train.py")
    git("commit", "-q", "-m", "The training code")
    lay_out(model.releases[0])


def first_version(model: Model) -> None:
    """From a folder to an immutable version."""
    release = model.releases[0]
    say(f"A folder with weights becomes a model: {model.key}, release {release.name}")
    mvc("init", "--model", model.key, "--type", model.type, "--framework", "ONNX")
    mvc("add", f"weights/{model.latest}", "--as", "model-latest")
    mvc("add", *model.rest)
    mvc("set", *labels(model.first_labels), f"parameters.release=r{release.name}", "parameters.imgsz=736")
    mvc("set", "docker.image=acme/serve", "docker.tag=1.0")
    mvc("status")
    mvc("commit", "-m", f"Release {release.name}", "--tag", f"r{release.name}")
    say("What is editable is one file, and it is yours:")
    print((PLACE / "model.toml").read_text(encoding="utf-8"), end="")


def labels(names: tuple[str, ...]) -> list[str]:
    """The arguments of `set` for a labelmap."""
    return [f"labelmap.{number}={name}" for number, name in enumerate(names)]


def later_versions(model: Model) -> None:
    """The other releases; a side line from the third."""
    for number, release in enumerate(model.releases[1:], 2):
        say(f"Release {release.name} ({release.size / 1e6:,.1f} MB)")
        lay_out(release)
        changes = [f"parameters.release=r{release.name}"]
        if number == 3:
            changes += [*labels(model.later_labels), "parameters.imgsz=960", "docker.tag=1.1"]
        mvc("set", *changes)
        mvc("commit", "-m", f"Release {release.name}", "--tag", f"r{release.name}")
    say("A side line, from the third version")
    mvc("switch", "-c", "small", "v3")
    mvc("set", "parameters.imgsz=480", "docker.tag=1.1-small", "docker.env.THREADS=1")
    mvc("commit", "-m", "A smaller input for small devices")
    mvc("switch", "main")
    mvc("alias", "set", "prod", "v2", "-m", "approved by QA")
    mvc("alias", "set", "prod", "v3", "-m", "fewer false alarms")


def look_around(model: Model) -> None:
    """History, comparison, one version in full."""
    say("The history")
    mvc("log", "--graph", "--stat", "--all")
    say("What changed between two versions: classes, parameters, docker, files")
    mvc("diff", "v2", "v3")
    say("One version in full")
    mvc("show", f"v{len(model.releases)}")
    mvc("alias", "log", "prod")


def back_and_forth(model: Model) -> None:
    """Any version, in any order, byte for byte."""
    say("Back and forth: after each switch the files are those of the release, byte for byte")
    last = len(model.releases)
    for number in (1, last, 3, 2, last, 1, last):
        release = model.releases[number - 1]
        mvc("switch", "-q", "main" if number == last else f"r{release.name}")
        prove(release, WEIGHTS)
    mvc("status")


def export(model: Model) -> None:
    """One version out of the store, beside the published bytes."""
    release = model.releases[2]
    say(f"Export version 3 and compare it with release {release.name} as it was published")
    mvc("export", "v3", "exported")
    prove(release, PLACE / "exported" / "weights")
    for name, digest in release.sums().items():
        print(f"  {digest}  {name}")
    mvc("cat", "v3:model-latest", into=PLACE / "copy")
    if (PLACE / "copy").read_bytes() != release.files[model.latest]:
        raise TourFailedError("cat wrote other bytes")
    print(f"  the same bytes as {model.latest}")


def prove(release: Release, folder: Path) -> None:
    """Compare every file in `folder` with the release as it was published, by SHA-256."""
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    if found != release.sums():
        raise TourFailedError(f"{folder} is not release {release.name}")
    print(f"  {len(found)} files, SHA-256 equal to release {release.name}", flush=True)


def weigh(model: Model) -> None:
    """What the store takes."""
    say("Every byte in the store, checked")
    mvc("fsck", "--read-data")
    mvc("du")
    stored = sum(path.stat().st_size for path in (PLACE / ".mvc").rglob("*") if path.is_file())
    asked = sum(release.size for release in model.releases)
    print(f"\n{len(model.releases)} releases are {asked / 1e6:.2f} MB; the store takes {stored / 1e6:.2f} MB.")


def page() -> str:
    """Export the page of the repository, and return its address."""
    say("The history as a web page")
    folder = BUILD / "demo-page"
    shutil.rmtree(folder, ignore_errors=True)
    mvc("ui", "--export", f"../{folder.name}")
    return (folder / "index.html").as_uri()


def main() -> None:
    """Run the whole tour."""
    started = time.monotonic()
    cache = BUILD / "releases"
    cache.mkdir(parents=True, exist_ok=True)
    model = published(cache)
    if model is None:
        say("The package registry cannot be reached: the tour runs on our own small models in .mvc-example instead")
        model = own(TOP / ".mvc-example" / "inputs")
    begin(model)
    first_version(model)
    later_versions(model)
    look_around(model)
    back_and_forth(model)
    export(model)
    weigh(model)
    there_and_back(model.key, model.later_labels)
    address = page()
    print(f"Done in {time.monotonic() - started:.0f} s. Look around: cd build/demo && ../../.venv/bin/mvc log")
    print(f"Open in a browser: {address}")


if __name__ == "__main__":
    try:
        main()
    except TourFailedError as error:
        sys.exit(f"The tour failed: {error}")
