"""The part of the tour that has a registry in it: a platform of our own that speaks as Picsellia does, without an account."""

from __future__ import annotations

import shutil

from tests.demo import job
from tests.demo.typed import BUILD, PLACE, TourFailedError, answer, mvc, say
from tests.servers.picsellia import ORGANIZATION, TOKEN, Platform, Row, serve

ELSEWHERE = BUILD / "demo-imported"
"""Where a colleague imports to."""
TRAINED = BUILD / "demo-trained"
"""Where the training job writes its weights."""


def there_and_back(key: str, labels: tuple[str, ...]) -> None:
    """Check, publish, train there, drift, import: with the official SDK, against a server on this machine."""
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
        _train(platform, host, labels)
        _train_elsewhere(platform, host, key)
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


def _train(platform: Platform, host: str, labels: tuple[str, ...]) -> None:
    """A version, an experiment that begins with it, its training, and its result as the next version."""
    say("A version becomes the base of an experiment on the platform, with a dataset version from there")
    platform.add_project("reading")
    platform.add_dataset_version("receipts", "3", *labels)
    mvc(
        "experiment",
        "create",
        "--project",
        "reading",
        "--name",
        "finetune-1",
        "--dataset",
        "train=receipts@3",
        token=TOKEN,
    )
    mvc("experiment", "list", token=TOKEN)
    say(
        "A job trains there, with the platform's own SDK. Its result is the next version, with its parameters, metrics and datasets"
    )
    client = job.connect(host)
    (experiment,) = platform.experiments
    job.train(client.get_experiment_by_id(experiment), TRAINED)
    mvc("import", "--experiment", "finetune-1", token=TOKEN)
    mvc("restore", ".")
    mvc("diff", "HEAD~1", "HEAD")
    mvc("publish", "--require-context", token=TOKEN)
    print(
        f"  the context of this version, as the SDK alone reads it: {job.context(client, _published(platform, 'HEAD')['id'])}"
    )
    say("Months later: is what it was trained with still there, and is there a newer dataset version?")
    mvc("source", "show", token=TOKEN)
    platform.add_dataset_version("receipts", "4", *labels)
    mvc("source", "check", token=TOKEN, code=1)


def _train_elsewhere(platform: Platform, host: str, key: str) -> None:
    """A colleague without mvc trains from the published version, and exports the result on the web."""
    say(
        "A colleague without mvc trains from a published version, and exports the result on the web: its child when it is imported"
    )
    client = job.connect(host)
    dataset = next(iter(platform.dataset_versions))
    base = _published(platform, "HEAD")["id"]
    experiment = job.begin(client, "reading", "finetune-2", base, {"train": dataset})
    job.train(experiment, TRAINED)
    exported = f"picsellia:{key}@{job.export(client, experiment, key)}"
    mvc("import", f"picsellia://{ORGANIZATION}/{key}", token=TOKEN)
    say(
        "The warning is expected: the platform copied every file of its base, the marker of mvc too, which belongs to that one "
        "version only; the copy is ignored, and the result is a version of its own"
    )
    mvc("log", "--graph", "--oneline", "-n", "2", exported)
    if answer("log", "--format", "{id}", "-n", "2", exported)[1] != answer("log", "--format", "{id}", "-n", "1")[0]:
        raise TourFailedError("what was trained from HEAD is not its child")


def _published(platform: Platform, revision: str) -> Row:
    """The platform's version of a revision."""
    [id_] = answer("log", "--format", "{id}", "-n", "1", revision)
    return next(row for row in platform.versions.values() if row["name"].endswith(f"-{id_[:12]}"))


def _edit(platform: Platform, key: str) -> None:
    """What people do on the web."""
    first = platform.versions_of(key)[0]
    first["labels"]["0"] = "renamed on the web"
    first["docker_tag"] = "latest"
    (model,) = platform.models.values()
    hand = platform.add_version(model, name="by hand", type="CLASSIFICATION", base_parameters={"imgsz": 64})
    platform.add_file(hand, "model-latest", b"weights from somewhere", "best.onnx")


def _prove(key: str) -> None:
    """The versions that were published and not edited have the ids that they had here."""
    ids = {answer("log", "--format", "{id}", f"picsellia:{key}@1", folder=folder)[0] for folder in (PLACE, ELSEWHERE)}
    if len(ids) != 1:
        raise TourFailedError("an id changed on its way")
    print(f"  {key}@1 is {ids.pop()[:12]} in both repositories", flush=True)
