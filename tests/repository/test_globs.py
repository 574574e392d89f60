from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from mvc import errors
from mvc.model.roles import is_glob
from mvc.repository.worktree import globs
from mvc.repository.worktree.globs import Ignore, compile_glob, fixed_part


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        ("weights/*.onnx", "weights/"),
        ("*.onnx", ""),
        ("weights/**", "weights/"),
        ("a/b/c?.pt", "a/b/"),
        ("a/b*/c/d.pt", "a/"),
        ("/a/*", "a/"),
        ("a/[[]x].pt", "a/"),
    ],
)
def test_the_fixed_part_is_the_folders_before_the_first_magic_letter(pattern: str, part: str) -> None:
    assert is_glob(pattern)
    assert fixed_part(pattern) == part


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("weights/*.onnx", "weights/best.onnx", True),
        ("weights/*.onnx", "weights/deep/best.onnx", False),
        ("weights/*.onnx", "weights/best.ONNX", False),
        ("*.onnx", "any/where/best.onnx", True),
        ("/*.onnx", "any/best.onnx", False),
        ("weights/**", "weights/deep/er/x", True),
        ("weights/**/*.pt", "weights/x.pt", True),
        ("weights/**/*.pt", "weights/a/b/x.pt", True),
        ("fold?", "fold1/inside.pt", True),
        ("[[]best].pt", "[best].pt", True),
        ("[!a]*.pt", "b.pt", True),
        ("[!a]*.pt", "a.pt", False),
        ("!*.pt", "!x.pt", True),
        ("#*", "#notes", True),
        ("a/*.pt", "a/new\nline.pt", True),
    ],
)
def test_patterns_follow_gitignore(pattern: str, path: str, matches: bool) -> None:
    assert (compile_glob(pattern).match(path) is not None) is matches


@pytest.mark.parametrize("pattern", ["../*.pt", "a/../*", "./*", ".git/*", "x/.mvc/*", ".GIT /*"])
def test_a_pattern_stays_in_the_folder(pattern: str) -> None:
    with pytest.raises(errors.UnsafePath):
        compile_glob(pattern)


@pytest.mark.parametrize("pattern", ["a[", "[z-a]x", "a\\*"])
def test_a_pattern_that_is_none_is_named(pattern: str) -> None:
    with pytest.raises(errors.BadPattern, match="Invalid file pattern"):
        compile_glob(pattern)


def test_the_last_rule_wins_and_a_deeper_file_comes_later() -> None:
    ignore = Ignore().extended("", "# notes\n\n*.log\n!keep.log\nbuild/\n").extended("sub/", "/x.pt\n!deep.log\n")
    assert ignore.hides("a.log")
    assert not ignore.hides("a/keep.log")
    assert ignore.hides("sub/other.log")
    assert not ignore.hides("sub/deep.log")
    assert ignore.hides("sub/x.pt")
    assert not ignore.hides("sub/y/x.pt")
    assert ignore.hides("build", folder=True)
    assert not ignore.hides("build")


def test_a_pattern_for_what_is_inside_does_not_hide_the_folder() -> None:
    ignore = Ignore().extended("", "weights/**\n!weights/keep.pt\n")
    assert not ignore.hides("weights", folder=True)
    assert ignore.hides("weights/a.pt")
    assert not ignore.hides("weights/keep.pt")


def test_a_line_that_is_no_pattern_is_passed_over() -> None:
    assert not Ignore().extended("", "a[\n[z-a]\n!\n/\n").hides("a[")


def test_the_rules_are_gits(tmp_path: Path) -> None:
    """The same rules in a .gitignore and a .mvcignore hide the same files."""
    rules = "*.tmp\n!keep.tmp\n/top\nmid/le\nfolder/\n**/deep/*.x\na?c\nx[0-9]\nsp\\ ace\n"
    names = ["a.tmp", "keep.tmp", "top", "z/top", "mid/le", "z/mid/le", "deep/y.x", "q/deep/y.x", "abc", "x1", "xx"]
    names += ["sp ace", "folder_", "z/folder_"]
    (tmp_path / ".gitignore").write_text(rules)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    asked = subprocess.run(
        ["git", "check-ignore", "--stdin", "--no-index"],
        cwd=tmp_path, input="\n".join(names), capture_output=True, text=True, check=False,
    )  # fmt: skip
    ignore = Ignore().extended("", rules)
    assert [name for name in names if ignore.hides(name)] == asked.stdout.splitlines()


def test_pathspec_is_loaded_only_for_a_pattern_that_is_not_plain() -> None:
    code = (
        "import sys; from mvc.repository.worktree.globs import compile_glob\n"
        "for pattern in ('**', 'data/**', '*.onnx', 'a/*.csv'): compile_glob(pattern)\n"
        "assert 'pathspec' not in sys.modules\n"
        "compile_glob('a?'); assert 'pathspec' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_plain_pattern_is_translated_as_by_pathspec(rng: random.Random) -> None:
    made = {"".join(rng.choices("aB.-_1*//", k=rng.randrange(1, 9))) for _ in range(5_000)}
    plain = {pattern: quick for pattern in [*made, "**"] if (quick := globs._translate_plain(pattern)) is not None}
    assert len(plain) > 1_000
    for pattern, quick in plain.items():
        assert GitIgnoreSpecPattern.pattern_to_regex(pattern) == (quick, True), pattern


def test_stars_that_never_go_back_match_what_gits_do(rng: random.Random) -> None:
    """Random patterns of stars, characters and classes against random names, beside the expression that goes back."""
    for _ in range(300):
        pattern = "".join(
            rng.choice(["*", "*", "*", "a", "b", "?", "[ab]", "[!a]", "/", ".", "[]b]"]) for _ in range(8)
        )
        expression, _ = GitIgnoreSpecPattern.pattern_to_regex(pattern)
        if expression is None or len(pattern.split("**")) > 2:
            continue
        usual = re.compile(expression, re.DOTALL)
        quick = re.compile(globs._linear(expression), re.DOTALL)
        for _ in range(30):
            letters = "aab." if "[!" in pattern else "aab./"  # to pathspec, a class may also be a /
            path = "".join(rng.choice(letters) for _ in range(rng.randint(1, 12)))
            assert (usual.match(path) is None) == (quick.match(path) is None), (pattern, path)


@pytest.mark.parametrize("pattern", ["*a" * 40 + "b", "x/" + "*[ab]" * 40 + "c", "?*" * 60 + "b"])
def test_many_stars_take_time_by_the_length_of_a_name(pattern: str) -> None:
    """It would take longer than the universe is old, were each star to try every place."""
    assert not compile_glob(pattern).match("a" * 250)
    assert not compile_glob(pattern).match("x/" + "a" * 250)


def test_a_pattern_has_few_folders_of_any_depth() -> None:
    assert compile_glob("**/a/**/b/**").match("x/a/y/b/z")
    with pytest.raises(errors.BadPattern):
        compile_glob("**/a/**/a/**/a/**/a/b")
    assert not Ignore().extended("", "**/a/**/a/**/a/**/a/b").hides("a/" * 60 + "c")
