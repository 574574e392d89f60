"""Real documents of every verb: scripts whose lines are run with `--json`, beside a remote and with both registries."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shell import Shell, begin
from tests.registry import histories
from tests.servers.picsellia import Platform
from tests.servers.picsellia_experiments import add_artifact
from tests.servers.registry import Registry
from tests.signatures.keys import Keys
from tests.weights import network, safetensors, tuned

Answer = tuple[str, str]
"""A line of a script, and the document that it gave."""

RESULTS = b"""{"metrics": {"mAP50": 0.6}, "classes": [{"name": "helmet", "AP50": 0.6, "support": 3}],
"confusion_matrix": {"labels": ["helmet", "background"], "matrix": [[2, 1], [0, 0]]},
"thresholds": {"iou": 0.5}, "curve": [{"threshold": 0.5, "precision": 0.7, "recall": 0.6}]}"""
FIRST = """
init --model helmets
add w.safetensors --as model-latest
add a.txt b.txt
set labelmap.0=helmet labelmap.1=head parameters.lr=0.1 metrics.mAP=0.5
get parameters
get
get parameters.lr
status
commit -m First
set parameters.lr=0.2 labelmap.1=vest labelmap.2=dog
unset parameters.lr
set intent.ready_for=storage
status
diff
commit -m Second --tag t --alias prod
policy show
policy check
set intent.ready_for=edge
commit -m Unready
record -n --file model-latest=w.safetensors --branch run
record -m Recorded --file model-latest=w.safetensors --branch run
alias
alias set prod v1 -m back
alias log prod
blame
bisect start HEAD v1
bisect
bisect skip
bisect log
bisect run true
bisect reset
bisect find --class head v1 HEAD
describe --all
notes add v1 text incident=4711
notes
notes show v1
notes rm v1 1
eval add v1 --dataset night@3 --file results.json --set conf=0.25
eval add v2 --dataset night@3 --file results.json
eval
eval show v1
compare --eval night v1 v2
eval rm v1 1
sign prod --key ../key
attest prod --type provenance --key ../key
verify prod
log --show-signature
attest prod --list
attest prod --remove 1
sign --remove 1 prod
alias rollback prod
undo
redo
op
op show 2
op restore 5
undo
reflog
log --stat
log --sort=metrics.mAP --values
log
show
show v1
ls
ls -l --tensors
ls --no-index -l --tensors w.safetensors
diff --no-index a.txt w.safetensors
textconv w.safetensors
log --count
grep hel
shortlog
rev-parse HEAD
clean -n
cat v1:model-latest -o out.bin
check
check --list
schema
completion bash
check v2
scan
scan v1 w.safetensors
du
tag
tag u v1
semver v1
tag -d u
set metrics.mAP=0.6
stash
stash list
stash show
stash apply
restore .
stash pop
stash save again
stash drop
branch
branch side v1
branch -m side aside
branch --show-current
switch aside
"""
TUNED = """
status
set metrics.mAP=0.7 parameters.lr=0.9
diff --tensors
commit -m Side
diff v1 HEAD
compare v1 HEAD
changelog v1
bom
card
ls --licenses
ci report v1 v1 --for storage
ci no-weights a.txt
diff v1 HEAD --tensors
ls -l --tensors
log --count
grep hel
shortlog
rev-parse HEAD
clean -n
show
log --stat --all
merge main -m Both
status
check
merge --abort
merge main -m Both
set parameters.lr=0.4 metrics.mAP=0.6
merge --continue --ours -m Solved
merge main -m Both --ours
switch main
merge aside -m Ahead
set parameters.lr=0.7
commit -m Third
set parameters.lr=0.8
commit -m Fourth
revert HEAD~1
revert --abort
revert HEAD~1
revert --continue --theirs
cherry-pick HEAD~1
cherry-pick --abort
cherry-pick HEAD~1
cherry-pick --continue --theirs
revert HEAD
cherry-pick HEAD~1
branch -D aside
reset v1 --keep
switch --detach HEAD
branch
status
switch main
restore .
export v1 ../export
archive v1 -o ../v1.zip
ui --export ../page
run -- cp w.safetensors last.safetensors
run -- true
mv w.safetensors nets/w.safetensors
mv nets/w.safetensors .
rm model-latest --cached
rm b
restore model.toml
config core.lock-timeout 3
config core.lock-timeout
config --list
config
models
models rename helmets hats
source
remote add origin ../origin
remote add cloud s3://bucket/models -o endpoint=http://127.0.0.1:9
remote trust cloud --insecure
remote
remote set-url cloud s3://bucket/other
remote rename cloud sky
remote rm sky
remote show origin
remote check origin
push
push origin main:other
push origin t
remote show origin
branch
status
fetch
fsck
fsck --remote origin
fsck --remote origin --repair
push --repair
gc --dry-run
gc --grace 0
gc --remote origin --dry-run
gc --remote origin
prune --keep-aliased --unpushed --dry-run
alias rm prod
reflog
clone ../origin ../other
download ../origin ../device --lock ../mvc.lock
download --locked ../mvc.lock ../device
"""
OTHER = """
status
set parameters.epochs=3
commit -m Elsewhere
push
"""
BEHIND = """
fetch
status
branch
pull
set parameters.epochs=4
commit -m Ours
push
pull
"""
DAMAGED = """
fsck
fsck --read-data
fsck --repair --from origin
remote rm origin --force
"""
PUBLISHED = """
remote
remote check picsellia
publish
publish
log
show
drift
drift picsellia --read-data
alias set prod --publish --rename
publish --tags
show
log
import picsellia://acme/helmets --tags
status
alias rm prod --publish
"""
TRAINED = """
experiment create --project hats --name exp-88 --dataset train=traffic@12 --launch
experiment
experiment show exp-88
"""
CHANGED = """
import --experiment exp-88
drift
import picsellia://acme/helmets
log
source
restore .
set source.experiment.id=exp-1
commit -m Trained
source check
clone picsellia://acme/helmets ../registry-clone -o host=HOST
"""


def of_stores(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Answer]:
    """The answers of the verbs that need no registry."""
    (folder / "work").mkdir()
    shell = Shell(folder / "work", patch)
    rng = random.Random(7)
    weights = network(rng, layers=2, width=16)
    for name, data in {
        "w.safetensors": safetensors(weights),
        "a.txt": b"a",
        "b.txt": b"b",
        "results.json": RESULTS,
    }.items():
        shell.write(name, data)
    Keys(folder).make("key")
    yield from _lines(shell, FIRST)
    shell.write("w.safetensors", safetensors(tuned(weights, rng) | {"new": ("U8", (2,), b"ab")}))
    yield from _lines(shell, TUNED)
    other = Shell(folder / "other", patch)
    yield from _lines(other, OTHER)
    yield from _lines(shell, BEHIND)
    for pack in (folder / "work/.mvc").rglob("*.pack"):
        damaged = bytearray(pack.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        pack.chmod(0o644)
        pack.write_bytes(damaged)
    yield from _lines(shell, DAMAGED)


def of_registry(folder: Path, patch: pytest.MonkeyPatch, platform: Platform) -> Iterator[Answer]:
    """The answers of the verbs that need a registry of models."""
    shell = histories.small(folder / "ana", patch)
    histories.register(shell, platform, patch)
    yield from _lines(shell, PUBLISHED)
    platform.add_project("hats")
    platform.add_dataset_version("traffic", "12")
    yield from _lines(shell, TRAINED)
    platform.objects.data["runs/best.onnx"] = b"trained"
    fields = {"name": "model-latest", "filename": "best.onnx", "object_name": "runs/best.onnx", "large": False}
    add_artifact(platform, next(iter(platform.experiments.values())), fields)
    [row] = platform.versions_of("helmets")
    row["labels"]["0"] = "hat"
    row["docker_tag"] = None
    platform.add_version(next(iter(platform.models.values())), name="night")
    yield from _lines(shell, CHANGED.replace("HOST", platform.host))


def of_images(folder: Path, patch: pytest.MonkeyPatch, registry: Registry) -> Iterator[Answer]:
    """The answers of the verbs that ask a registry of images."""
    (folder / "images").mkdir()
    shell = begin(folder / "images", patch)
    registry.push_index("json/yolo", "1", {"linux/amd64": b"for a desk", "linux/arm64": b"for a camera"})
    name = registry.name("json/yolo")
    yield from _lines(shell, f"set docker.image={name} docker.tag=1\ndocker resolve\ncommit -m Image\ndrift --docker")
    registry.push("json/yolo", "1", b"moved")
    yield from _lines(shell, "drift --docker\ndocker resolve -n")


def _lines(shell: Shell, script: str) -> Iterator[Answer]:
    for line in script.strip().splitlines():
        shell.tick(60)
        said = shell("--json", *line.split())
        if said.out.strip():
            yield line, said.out
        elif line.startswith("run "):  # stdout is that of the command
            yield line, said.err
        elif said.code:
            yield f"! {line}", said.err
