"""A Git repository made by somebody else around the model: `mvc commit` runs none of the programs that it names."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc.repository import provenance
from tests.crash.harness import command, mvc

Setting = tuple[str, str]
WHO = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org")
SETTINGS: dict[str, tuple[Setting, ...]] = {
    "fsmonitor": (("core.fsmonitor", "EVIL"),),
    "hooks": (("core.hooksPath", "HOOKS"),),
    "clean filter": (("filter.evil.clean", "EVIL"), ("filter.evil.smudge", "EVIL")),
    "required clean filter": (("filter.evil.clean", "EVIL"), ("filter.evil.required", "true")),
    "filter process": (("filter.evil.process", "EVIL"), ("filter.evil.required", "true")),
    "filter with an = in its name": (("filter.e=vil.clean", "EVIL"),),
    "filter of an included file": (("include.path", "INCLUDED"),),
    "external diff": (("diff.external", "EVIL"),),
    "diff driver": (("diff.evil.command", "EVIL"), ("diff.evil.textconv", "EVIL")),
    "pager": (("core.pager", "EVIL"), ("pager.diff", "EVIL"), ("pager.config", "EVIL"), ("pager.rev-list", "EVIL")),
    "ssh and credentials": (("core.sshCommand", "EVIL"), ("credential.helper", "!EVIL"), ("core.askPass", "EVIL")),
    "editor and proxy": (("core.editor", "EVIL"), ("core.gitProxy", "EVIL"), ("gpg.program", "EVIL")),
    "alternate refs": (("core.alternateRefsCommand", "EVIL"),),
    "aliases": (("alias.diff", "!EVIL"), ("alias.rev-parse", "!EVIL"), ("alias.config", "!EVIL")),
}


@pytest.fixture
def git(requires: Callable[[str], str]) -> Callable[..., object]:
    program = requires("git")
    return lambda folder, *arguments: subprocess.run([program, *WHO, *arguments], cwd=folder, check=True)


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    """A program that leaves a trace."""
    program = tmp_path / "evil"
    program.write_text(f"#!/bin/sh\necho ran >> {tmp_path}/ran\ncat\n", encoding="utf-8")
    program.chmod(0o755)
    (tmp_path / "hooks").mkdir()
    for hook in ("post-index-change", "post-checkout", "reference-transaction", "fsmonitor-watchman", "pre-auto-gc"):
        (tmp_path / "hooks" / hook).symlink_to(program)
    (tmp_path / "included").write_text(
        f'[filter "evil"]\n\tclean = {program}\n\tprocess = {program}\n', encoding="utf-8"
    )
    return program


@pytest.fixture
def root(tmp_path: Path, git: Callable[..., object]) -> Path:
    """A model in a Git repository whose one file was touched since, so that Git has to read it."""
    root = tmp_path / "code"
    root.mkdir()
    git(root, "init", "-q")
    (root / "train.py").write_bytes(b"print()\n")
    (root / ".gitattributes").write_bytes(b"* filter=evil diff=evil\n[odd] filter=e=vil\n*.py filter=evil\n")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "code")
    (root / "w.bin").write_bytes(b"weights")
    mvc(root, "init", "--model", "helmets")
    mvc(root, "add", "w.bin")
    os.utime(root / "train.py", (1, 1))
    return root


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
def test_no_program_of_the_git_repository_is_run(
    root: Path, evil: Path, git: Callable[..., object], settings: tuple[Setting, ...]
) -> None:
    for key, value in settings:
        places = {"EVIL": str(evil), "HOOKS": str(evil.parent / "hooks"), "INCLUDED": str(evil.parent / "included")}
        for word, place in places.items():
            value = value.replace(word, place)
        git(root, "config", key, value)
    name = "e=vil" if any("e=vil" in key for key, _ in settings) else "evil"
    (root / ".git" / "info" / "attributes").write_text(f"*.py filter={name}\n", encoding="utf-8")
    index = (root / ".git" / "index").read_bytes()
    evil.with_name("ran").unlink(missing_ok=True)
    mvc(root, "commit", "-m", "one")
    command(root, ("log", "@git"))
    assert not evil.with_name("ran").exists()
    assert (root / ".git" / "index").read_bytes() == index


def test_the_programs_are_run_by_git_itself(root: Path, evil: Path, git: Callable[..., object]) -> None:
    """Else the tests above would show nothing."""
    for number, key in enumerate(("core.fsmonitor", "filter.evil.clean")):
        evil.with_name("ran").unlink(missing_ok=True)
        os.utime(root / "train.py", (number, number))
        git(root, "config", key, str(evil))
        git(root, "diff", "HEAD", "--name-only")
        assert evil.with_name("ran").exists(), key
        git(root, "config", "--unset", key)


def test_missing_objects_are_not_fetched(root: Path, evil: Path, git: Callable[..., object]) -> None:
    """A partial clone fetches what it lacks, by the program that its config names."""
    tree = subprocess.check_output(["git", "rev-parse", "HEAD^{tree}"], cwd=root, text=True).strip()
    (root / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    for key, value in (
        ("core.repositoryFormatVersion", "1"), ("extensions.partialClone", "origin"), ("remote.origin.promisor", "true"),
        ("remote.origin.url", str(root)), ("remote.origin.uploadpack", str(evil)),
    ):  # fmt: skip
        git(root, "config", key, value)
    mvc(root, "commit", "-m", "one")
    assert not evil.with_name("ran").exists()


def test_the_environment_of_another_repository_does_not_count(
    root: Path, tmp_path: Path, git: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    git(other, "commit", "-q", "--allow-empty", "-m", "other")
    known = provenance.code_of(root, [])
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    assert known is not None
    assert provenance.code_of(root, []) == known


def test_what_differs_from_the_commit_makes_it_dirty(root: Path) -> None:
    clean = provenance.code_of(root, [])
    assert clean is not None
    assert not clean.dirty
    (root / "train.py").write_bytes(b"print(1)\n")
    dirty = provenance.code_of(root, [])
    assert dirty is not None
    assert dirty.dirty
    own = provenance.code_of(root, [root / "train.py"])
    assert own is not None
    assert not own.dirty
