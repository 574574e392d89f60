"""The part of the tour that has a registry in it: a platform of our own that speaks as Picsellia does, without an account."""

from __future__ import annotations

import shutil

from tests.demo.typed import BUILD, PLACE, TourFailedError, mvc, say
from tests.servers.picsellia import ORGANIZATION, TOKEN, Platform, serve

ELSEWHERE = BUILD / "demo-imported"
"""Where a colleague imports to."""


def there_and_back(key: str) -> None:
    """Check, publish, drift, import: with the official SDK, against a server on this machine."""
    say("Is it ready? For deployment it is; a training job would look for more")
    mvc("check", "--for", "deployment")
    mvc("check", "--for", "training", code=1)
    platform = Platform()
    with serve(platform) as host:
        url = f"picsellia://{ORGANIZATION}"
        say(
            "Published to a registry: once, whole, and never changed there. This one is a stand-in for Picsellia on this machine"
        )
        mvc("remote", "add", "picsellia", url, "-o", f"host={host}")
        mvc("publish", "--all", token=TOKEN)
        mvc("publish", "--all", token=TOKEN)
        mvc("log", "--oneline", "-n", "3")
        say("Somebody edits a label and the docker tag on the web, and makes a version there by hand: drift tells")
        _edit(platform, key)
        mvc("drift", token=TOKEN, code=1)
        say(
            "A colleague imports all of it: what was published has its ids again, what is not as it was published says so"
        )
        shutil.rmtree(ELSEWHERE, ignore_errors=True)
        mvc("clone", f"{url}/{key}", str(ELSEWHERE), "-o", f"host={host}", token=TOKEN, folder=BUILD)
        mvc("log", "--all", "--oneline", folder=ELSEWHERE)
        _prove(key)


def _edit(platform: Platform, key: str) -> None:
    """What people do on the web."""
    first = platform.versions_of(key)[0]
    first["labels"]["0"] = "renamed on the web"
    first["docker_tag"] = "latest"
    (model,) = platform.models.values()
    hand = platform.add_version(model, name="by hand", type="CLASSIFICATION", base_parameters={"window": 64})
    platform.add_file(hand, "model-latest", b"weights from somewhere", "best.onnx")


def _prove(key: str) -> None:
    """The versions that were published and not edited have the ids that they had here."""
    ids = {}
    for folder in (PLACE, ELSEWHERE):
        into = BUILD / "ids"
        mvc("log", "--format", "{id}", f"picsellia:{key}@1", folder=folder, into=into)
        ids[folder] = into.read_text().splitlines()[0]
    if len(set(ids.values())) != 1:
        raise TourFailedError("an id changed on its way")
    print(f"  {key}@1 is {next(iter(ids.values()))[:12]} in both repositories", flush=True)
