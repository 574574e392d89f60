"""Options that have no effect alone, or beside another one, are refused by every verb, and change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from mvc.cli.app.program import make
from tests.cli.shell import Shell, begin

ALONE = """
alias rm prod --to origin
alias set prod v1 --rename
alias set prod v1 --to origin
attest --builder https://ci.example.org/1
attest --key model.toml
attest --predicate-type https://example.org/tests
attest --type provenance --predicate-type https://example.org/tests
attest --type scan --builder https://ci.example.org/1
bisect --drop 0.1
bisect --metric mAP50
bisect find --drop 0.1
check --dataset a@b
check --registry origin
commit -m x --allow-empty --force
config user.name --show-origin
drift --at v1
export v1 ../out --key key.pem
experiment create --gpu-type T4
experiment create --gpus 1
export v1 ../out --key model.toml
fsck --from origin
fsck --subset 1/2
gc --drop-intents-older-than 3d
import --message x
import --project x
record -m x --file a=model.toml --allow-changed a
record -m x --file a=model.toml --force
set metrics.x=1 --best x
set metrics.x=1 --key x
set metrics.x=1 --mode max
set metrics.x=1 --row last
set metrics.x=1 --select x
ui --force
verify --key model.toml
verify --oms . --key model.toml v1
verify --signature model.toml
"""
APART = """
attest --list --key model.toml
attest --list --remove 1
attest --list --type scan
attest --remove 1 --key model.toml
attest --remove 1 --type scan
checkout -b new -- model.toml
checkout -b new -B other
checkout -b new -d
check --list --strict
config --list --unset
config --list user.name
config --unset
config --unset user.name Ana
diff --md -U 3 v1 v2
diff --onnx --name-only v1 v2
diff --tensors --name-status v1 v2
diff -U 3 --no-text v1 v2
log --count --format {id}
log --count --graph
log --count --oneline
log --count --values
log --count -p
log -p -U 3 --stat
push --delete --all
push --delete --tags
push --delete main --rebase
push --delete main -u
push --delete main --signed
rev-parse --merge-base --is-ancestor v1 v2
show --name-only -U 3
export --hf ../out --attestations
sign --remove 1 --key model.toml
sign --remove 1 --renew
switch -c new -C other
switch -c new -d
tag -d x --key model.toml
tag -l --sign
tag -l -m x
verify --oms . --key model.toml --attested scan
verify --oms . --key model.toml --newer-than v1
verify --oms . --key model.toml --signers model.toml
"""
HAVE_AN_EFFECT = {
    "cherry-pick --discard": "undo",
    "merge --discard": "undo",
    "revert --discard": "undo",
    "status --branch": "the long form always names the branch",
}
"""Options whose help begins with a partner, but which do not need it; and why."""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions, and a remote that has the second one."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("partners") / "work"
        folder.mkdir()
        shell = begin(folder, patch)
        shell.commit("one")
        shell.set(metrics__mAP50=0.5)
        shell.commit("two")
        shell.ok("alias", "set", "prod", "v1")
        shell.ok("remote", "add", "origin", "../remote")
        shell.ok("push")
    return folder


@pytest.mark.parametrize("lines", [ALONE, APART], ids=["alone", "apart"])
def test_an_option_without_an_effect_is_refused(repository: Path, monkeypatch: pytest.MonkeyPatch, lines: str) -> None:
    shell = Shell(repository, monkeypatch)
    before = _state(shell)
    accepted = [line for line in lines.split("\n") if line and shell(*line.split(" ")).code != 2]
    assert accepted == []
    assert _state(shell) == before


def _state(shell: Shell) -> tuple[object, ...]:
    files = {path: path.read_bytes() for path in shell.folder.glob("*") if path.is_file()}
    return shell.ok("log", "-q").out, shell.ok("branch").out, shell.ok("alias").out, shell.ok("status").out, files


def test_each_option_that_is_for_another_one_is_in_the_table() -> None:
    lines = [set(line.split(" ")) for line in ALONE.split("\n")]
    verbs = [line.split(" ") for line in ALONE.split("\n")]
    missing = [
        f"{' '.join(path)} {'/'.join(option.opts)}"
        for path, option in _options()
        if option.help and option.help.startswith("With --") and f"{path[0]} {option.opts[-1]}" not in HAVE_AN_EFFECT
        if not any(
            words[: len(path)] == path and line & {*option.opts} for words, line in zip(verbs, lines, strict=True)
        )
    ]
    assert missing == []


def _options() -> Iterator[tuple[list[str], click.Option]]:
    root = make()
    context = click.Context(root, info_name="mvc")
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert command is not None
        subverbs = command.commands if isinstance(command, click.Group) else {}
        for path, each in [([name], command), *(([name, sub], found) for sub, found in subverbs.items())]:
            yield from ((path, option) for option in each.params if isinstance(option, click.Option))
