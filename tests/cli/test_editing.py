"""init, add, rm, set, unset, get, config, status, commit: from files to a version."""

from __future__ import annotations

import errno
import shlex
from pathlib import Path

import pytest

import mvc
from mvc import errors
from mvc.model.toml import vocabulary
from mvc.porcelain import edit
from mvc.repository.model import Model
from tests.cli.conftest import History
from tests.cli.shell import MODEL, Shell
from tests.crash.harness import Fail, command


def model_toml(shell: Shell) -> str:
    return (shell.folder / "model.toml").read_text(encoding="utf-8")


# --- init


def test_init_makes_a_repository_and_a_model_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell(tmp_path, monkeypatch)
    said = shell.ok("init", "--model", "m", "--type", "object_detection", "--framework", "onnx")
    assert str(tmp_path / ".mvc") in said.lines[0]
    assert "mvc add" in said.lines[1]
    assert 'type = "OBJECT_DETECTION"' in model_toml(shell)
    assert shell.ok("init", "--model", "m").lines == ["Model m already exists"]
    document = shell.ok("init", "--json").json
    assert document == {"schema": "mvc.init/1", "path": str(tmp_path), "model": "m", "folder": "", "created": []}


def test_init_without_a_model_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell(tmp_path, monkeypatch)
    assert shell.ok("init", "inside").lines[-1] == "No model yet; create one with `mvc init --model NAME`"
    assert (tmp_path / "inside" / ".mvc").is_dir()
    (tmp_path / "file").touch()
    assert shell("init", "file").code == 2


def test_a_model_lives_in_a_folder_that_begins_with_a_dot_but_not_in_one_of_mvc_or_git(empty: Shell) -> None:
    assert empty.ok("init", ".hidden", "--model", "h", "--json").json["folder"] == ".hidden"
    assert (empty.folder / ".hidden" / "model.toml").is_file()
    empty.ok("-C", ".hidden", "status")
    (empty.folder / ".git").mkdir()
    for place in (".mvc", ".mvc/sub", ".mvc/objects", ".git", ".git/sub", ".MVC/sub"):
        said = empty("init", place, "--model", "x")
        assert (said.code, "is in a folder reserved for mvc or version control" in said.err) == (17, True), said
    assert empty("init", "a:b", "--model", "x").code == 17
    assert empty.ok("models", "-q").lines == ["h", MODEL]
    assert not (empty.folder / ".mvc" / "sub").exists()


def test_an_init_that_fails_leaves_nothing(tmp_path: Path) -> None:
    number = 1
    while command(tmp_path, ["init", "--model", "m"], Fail(number, errno.ENOSPC)).code:
        assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".mvc.init-")], number
        number += 1
        assert number < 100
    assert number > 10


# --- add, rm


def test_add_writes_what_it_says(empty: Shell) -> None:
    empty.write("weights/best.onnx", b"w")
    empty.write("labels.json", b"[]")
    assert empty.ok("add", "weights/best.onnx", "--as", "model-latest").lines == ["model-latest = weights/best.onnx"]
    assert empty.ok("-C", "weights", "add", "../labels.json", "--json").json == {
        "schema": "mvc.add/1", "tracked": [], "skipped": [], "ignored": [],
        "added": [{"role": "labels", "path": "labels.json", "files": 1, "bytes_total": 2}],
    }  # fmt: skip
    assert empty.ok("add", "labels.json").lines == ["Already tracked."]
    empty.write("d/a.bin", b"12")
    empty.write("d/.env", b"SECRET")
    said = empty.ok("add", "d", "labels.json")
    assert said.lines == ["d = d/**  (1 file, 2 B)"]
    assert said.err.splitlines() == [
        "note: skipped d/.env, which looks like credentials; track it with `mvc add d/.env`",
        "note: labels.json is already tracked as labels",
    ]
    assert 'model-latest = "weights/best.onnx"' in model_toml(empty)
    assert empty("add", "nowhere").code == 2
    assert empty("add", "labels.json", "weights", "--as", "x").code == 2


def test_add_names_the_weights_that_gitignore_leaves_out(empty: Shell) -> None:
    for name in ("best.pt", "train.py", "notes.log", "w/a.onnx"):
        empty.write(name, b"x")
    empty.write(".gitignore", b"*.pt\n*.log\nw/\n")
    said = empty.ok("add", ".")
    assert said.lines == ["files = **  (2 files, 15 B)"]
    assert "note: ignored by .gitignore: best.pt, w/a.onnx; track one with `mvc add PATH`" in said.err
    assert "warning: ** is the whole folder: each commit records every file" in said.err
    assert "`mvc rm --cached files` takes it back" in said.err
    empty.ok("rm", "--cached", "files")
    assert "files" not in empty.ok("--json", "get").json
    empty.ok("add", ".")
    said = empty.ok("add", "best.pt", "w")
    assert "warning" not in said.err
    empty.commit("All")
    assert sorted(line.split()[-1] for line in empty.ok("ls").lines) == [
        ".gitignore",
        "best.pt",
        "train.py",
        "w/a.onnx",
    ]


def test_rm_deletes_only_what_can_be_given_back(shell: Shell, history: History) -> None:
    weights = shell.folder / "weights/best.onnx"
    shell.write("weights/best.onnx", b"edited")
    assert shell("rm", "weights").code == 16
    assert shell("rm", "nothing").code == 2
    assert shell.ok("rm", "weights", "--cached").lines == ["Stopped tracking weights/best.onnx (weights)"]
    assert weights.exists()
    shell.ok("add", "weights/best.onnx", "--as", "weights")
    weights.write_bytes(b"one" * 40_000)
    said = shell.ok("rm", "-n", "weights")
    assert said.err.splitlines() == [
        "Would delete 1 file (keep with --cached; restore with `mvc restore weights/best.onnx`):",
        "  weights/best.onnx",
    ]
    assert said.lines == ["Would stop tracking weights/best.onnx (weights)"]
    assert weights.exists()
    shell.write("weights/best.onnx", b"edited")
    assert shell.ok("rm", "-f", "weights/best.onnx", "--json").json["removed"] == [
        {"role": "weights", "path": "weights/best.onnx"}
    ]
    assert not weights.exists()


def test_rm_says_what_it_deletes_before_it_does(shell: Shell, history: History) -> None:
    seen: list[tuple[str, bool]] = []
    weights = shell.folder / "weights/best.onnx"
    edit.remove(
        Model(shell.repository, MODEL), ["weights"], on_delete=lambda paths: seen.append((paths[0], weights.exists()))
    )
    assert seen == [("weights/best.onnx", True)]
    assert not weights.exists()
    shell.ok("restore", "weights/best.onnx")  # as it is said
    assert weights.read_bytes() == b"one" * 40_000


# --- set, unset, get


def test_values_go_in_and_out(empty: Shell) -> None:
    assert empty.ok("set", "parameters.epochs=100", "docker.tag=1.10").lines == [
        "+ parameters.epochs 100", "+ docker.tag 1.10"
    ]  # fmt: skip
    assert empty.ok("set", "parameters.epochs=150").lines == ["parameters.epochs 100 -> 150"]
    assert empty.ok("get", "parameters.epochs").lines == ["150"]
    assert empty.ok("get", "docker").lines == ["tag = 1.10"]
    assert empty.ok("get", "parameters.epochs", "--json").json["value"] == 150
    assert empty.ok("get", "docker.tag", "--json").json["value"] == "1.10"
    assert empty.ok("set", "--type", "str", "parameters.id=7", "--json").json["changes"][0]["new"] == "7"
    assert empty.ok("unset", "parameters.epochs").lines == ["- parameters.epochs (was 150)"]
    assert empty("get", "parameters.epochs").code == 1
    assert f"model.name = {MODEL}" in empty.ok("get").lines


def test_a_word_that_picsellia_does_not_know_is_named_once(empty: Shell) -> None:
    said = empty.ok("set", "model.type=detection", "model.framework=pytorch")
    assert said.lines == ["+ model.type detection", "+ model.framework PYTORCH"]  # as it is stored
    assert 'framework = "PYTORCH"' in (empty.folder / "model.toml").read_text()
    assert said.err == (
        "warning: model.type: Picsellia does not know 'detection' (`mvc set model.type=OBJECT_DETECTION`)\n"
    )
    assert "Picsellia" not in empty.ok("status").out
    assert "Picsellia" not in empty.ok("commit", "-m", "x").err
    (warning,) = empty.ok("set", "model.framework=jax", "--json").json["warnings"]
    assert (warning["key"], warning["fix"]) == ("model.framework", "it knows TENSORFLOW, PYTORCH, ONNX")
    assert empty.ok("set", "model.type=object_detection").err == ""
    empty.ok("set", "model.type=yolo")
    assert "Picsellia does not know 'yolo'" in empty("check", "--for", "training").out  # a job there needs one


def test_init_names_such_a_word_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell(tmp_path, monkeypatch)
    said = shell.ok("init", "--model", "m", "--type", "object-detection", "--framework", "onnx")
    assert said.err.endswith("(`mvc set model.type=OBJECT_DETECTION`)\n")
    assert shell.ok("get", "model.framework").lines == ["ONNX"]


@pytest.mark.parametrize(
    ("word", "near"),
    [("detection", "OBJECT_DETECTION"), ("Object Detection", "OBJECT_DETECTION"), ("clasification", "CLASSIFICATION"),
     ("instance-segmentation", "SEGMENTATION"), ("keypoints", "KEYPOINT"), ("yolo", None), ("not configured", None)],
)  # fmt: skip
def test_the_nearest_word(word: str, near: str | None) -> None:
    assert vocabulary.nearest(("model", "type"), word) == near


def test_a_change_of_type_is_shown_with_both_types(empty: Shell) -> None:
    empty.ok("set", "--type", "str", "parameters.lr=0.1")
    assert empty.ok("set", "parameters.lr=0.1").lines == ['parameters.lr "0.1" (string) -> 0.1 (float)']
    empty.ok("set", "parameters.epochs=1", "parameters.amp=True")
    empty.ok("commit", "--allow-empty", "-m", "x")
    empty.ok("set", "parameters.epochs=1.", "parameters.amp=1", "parameters.lr=0.2")
    lines = [line.removeprefix("parameters").strip() for line in empty.ok("diff").lines[1:]]
    assert sorted(lines) == ["amp true (boolean) -> 1 (integer)", "epochs 1 (integer) -> 1.0 (float)", "lr 0.1 -> 0.2"]
    assert "epochs 1 (integer) -> 1.0 (float)" in empty.ok("status").out


def test_a_text_that_looks_like_something_else_is_shown_with_its_type(empty: Shell) -> None:
    assert empty.ok("set", "parameters.id=007", "docker.tag=1.10", "parameters.name=yolo").lines == [
        "+ parameters.id 007 (string)", "+ docker.tag 1.10", "+ parameters.name yolo"
    ]  # fmt: skip
    assert empty.ok("set", "parameters.id=7").lines == ['parameters.id "007" (string) -> 7 (integer)']
    assert empty.ok("set", "parameters.id=yes").lines == ['parameters.id 7 (integer) -> "yes" (string)']
    said = empty("set", "parameters.lr=None")
    assert (said.code, "mvc unset parameters.lr" in said.err) == (2, True)


def test_files_of_a_windows_editor_are_read_and_stay_as_they_are(empty: Shell) -> None:
    path = empty.folder / "model.toml"
    text = "\ufeff" + path.read_text(encoding="utf-8") + "[labelmap]\npath = 'labels.json'\n"
    path.write_bytes(text.replace("\n", "\r\n").encode())
    empty.write("labels.json", b'\xef\xbb\xbf["helmet"]\r\n')
    empty.write("w.pt", b"w")
    empty.write("message", b"\xef\xbb\xbfFirst\r\n\r\nand last\r\n")
    empty.ok("add", "w.pt")
    empty.ok("set", "parameters.lr=.5")
    empty.ok("unset", "parameters.lr")
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\n") == data.count(b"\r\n")
    assert empty.ok("get", "labelmap.0").lines == ["helmet"]
    empty.ok("commit", "-F", "message")
    assert empty.ok("log", "--format", "{message}").lines == ["First", "", "and last"]
    assert empty.ok("status").lines[-1].startswith("Nothing to commit")
    empty.ok("models", "rename", "helmets", "caps")
    assert path.read_bytes() == data.replace(b'"helmets"', b'"caps"')


@pytest.mark.parametrize("arguments", [("set", "parameters.x=1"), ("add", "w.pt"), ("commit", "-m", "x"), ("status",)])
def test_a_file_of_two_bytes_a_letter_is_refused_by_that_reason(empty: Shell, arguments: tuple[str, ...]) -> None:
    path = empty.folder / "model.toml"
    path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))
    empty.write("w.pt", b"w")
    before = path.read_bytes()
    said = empty(*arguments)
    assert (said.code, "UTF-16" in said.err) == (2, True), said
    assert path.read_bytes() == before


def test_a_value_is_shown_escaped(empty: Shell) -> None:
    empty.ok("set", "parameters.note=a\x1b[31mb")
    for arguments in (("get", "parameters.note"), ("get",), ("status",), ("get", "--json")):
        assert "\x1b" not in empty.ok(*arguments).out


def test_an_empty_path_or_name_of_a_class_is_refused(empty: Shell) -> None:
    empty.write("results.csv", b"epoch,mAP50\n1,0.5\n")
    empty.ok("set", "files.w=best.pt", "labelmap.0=helmet", "docker.image=", "from.metrics=results.csv")
    before = (empty.folder / "model.toml").read_bytes()
    for key, what in (
        ("files.w", "the path of a file"),
        ('files."a b"', "the path of a file"),
        ("labelmap.path", "the path of a file"),
        ("labelmap.0", "the name of a class"),
        ("from.metrics", "the path of a file"),
        ("from.metrics.path", "the path of a file"),
    ):
        for more in ([], ["--type", "str"]):
            said = empty("set", f"{key}=", "parameters.lr=1", *more)
            assert (said.code, f"{key} needs {what}" in said.err) == (2, True), said
            assert f"`mvc unset {shlex.quote(key)}` removes the key" in said.err
    model = mvc.open(empty.folder).model(MODEL)
    with pytest.raises(errors.EmptyValue):
        model.update(labelmap=["", "head"])
    with pytest.raises(errors.EmptyValue):
        model.update(from_={"metrics": mvc.ValueFile(" ", row="last")})
    assert (empty.folder / "model.toml").read_bytes() == before


def test_set_answers_a_slip(empty: Shell) -> None:
    before = model_toml(empty)
    said = empty("set", "parameters.a=1", "dokcer.tag=1")
    assert said.code == 2
    assert "docker" in said.err
    assert model_toml(empty) == before


# --- config


@pytest.fixture
def own(empty: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person's settings, in a file of their own that is not there yet."""
    path = tmp_path_factory.mktemp("own") / "mvc" / "config.toml"
    monkeypatch.setenv("MVC_CONFIG", str(path))
    return path


def test_settings_are_a_persons_or_the_repositorys(empty: Shell, own: Path) -> None:
    empty.ok("config", "--global", "user.name", "Own")
    assert empty.ok("config", "user.name").lines == ["Own"]
    empty.ok("config", "user.name", "Here")
    assert empty.ok("config", "user.name").lines == ["Here"]
    assert empty.ok("config", "--list", "--show-origin").lines == ["repository\tuser.name=Here"]
    empty.ok("config", "remote.hub.url", "/hub")
    assert empty.ok("config", "--global", "--list").lines == ["user.name=Own"]
    assert empty.ok("config", "--global", "user.name").lines == ["Own"]
    empty.ok("config", "--unset", "remote.hub.url")
    assert empty.ok("config", "--json").json["settings"] == [
        {"key": "user.name", "value": "Here", "origin": "repository"}
    ]
    empty.ok("config", "--unset", "user.name")
    assert empty("config", "--unset", "user.name").code == 1
    assert empty.ok("config", "user.name", "--json").json["value"] == "Own"
    assert empty("config", "user.email").code == 1
    assert empty("config", "user.nmae", "x").code == 2
    for key, value in (
        ("sign.key", "id_ed25519"),
        ("trust.revoked", "./krl"),
        ("prune.keep-within", "soon"),
        ("prune.keep-best", "metrics.acc"),
        ("ui.progress", "dots"),
        ("user.name", "Ana <"),
    ):
        assert empty("config", "--global", key, value).code == 2, key
        assert empty("config", "--global", key).code == (0 if key == "user.name" else 1), key


def test_settings_work_outside_any_repository(
    empty: Shell, own: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = str(tmp_path_factory.mktemp("outside"))
    empty.ok("-C", outside, "config", "--global", "user.name", "Own")
    assert empty.ok("-C", outside, "config", "user.name").lines == ["Own"]
    assert empty("-C", outside, "config", "user.name", "Here").code == 10


def test_settings_of_a_windows_editor_are_read(empty: Shell, own: Path) -> None:
    own.parent.mkdir()
    own.write_bytes(b'\xef\xbb\xbf[user]\r\nname = "Own"\r\n')
    assert empty.ok("config", "user.name").lines == ["Own"]
    own.write_bytes('[user]\nname = "Own"\n'.encode("utf-16"))
    said = empty("config", "user.name")
    assert (said.code, "UTF-16" in said.err) == (2, True)


def test_settings_behind_a_link_stay_there(empty: Shell, own: Path) -> None:
    real = own.parent / "dotfiles.toml"
    own.parent.mkdir()
    real.touch()
    own.symlink_to(real)
    empty.ok("config", "--global", "user.name", "Own")
    assert own.is_symlink()
    assert "Own" in real.read_text(encoding="utf-8")


def test_settings_take_the_place_of_nothing_but_a_file(empty: Shell, own: Path) -> None:
    own.mkdir(parents=True)
    said = empty("config", "--global", "user.name", "Own")
    assert said.code == 2
    assert "Is a directory" in said.err
    assert own.is_dir()


# --- status


def test_status_tells_what_the_next_commit_would_hold(shell: Shell, history: History) -> None:
    assert shell.ok("status").lines == [
        f"On branch main · model {MODEL} · base v2",
        "Nothing to commit, working tree clean.",
    ]
    shell.write("weights/best.onnx", b"longer" * 40_000)
    shell.write("other.onnx", b"o")
    shell.set(parameters__epochs=3)
    answers = "set the new values, or `mvc unset metrics`, or keep them with `mvc commit --keep-metrics`"
    assert shell.ok("status").lines == [
        f"On branch main · model {MODEL} · base v2",
        "",
        "Changes for the next commit:",
        "  parameters  + epochs 3",
        "  files       M  weights  weights/best.onnx  234.4 KiB  (by size)",
        "",
        "Rules:",
        f"  warning  metrics: unchanged although the weights changed: mAP50 0.5 was measured on v1's weights ({answers})",
        "",
        "Untracked files:",
        "  ?  other.onnx",
        "     (track one with `mvc add PATH --as ROLE`, or ignore it with .mvcignore)",
    ]
    assert shell("status", "--exit-code").code == 1
    document = shell.ok("status", "--json").json
    assert (document["schema"], document["clean"], document["untracked"]) == ("mvc.status/1", False, ["other.onnx"])


def test_status_shows_what_keeps_a_commit_from_being_made(shell: Shell, history: History) -> None:
    (shell.folder / "weights/best.onnx").unlink()
    shell.set(labelmap__7="visor")
    lines = shell.ok("status").lines
    assert "Cannot be committed:" in lines
    assert any(line.startswith("  !  weights/best.onnx") for line in lines)
    assert "Rules:" in lines


def test_status_and_commit_say_what_looks_like_credentials_and_was_skipped(empty: Shell) -> None:
    for name in ("w/a.pt", "w/.metadata", "w/.env"):
        empty.write(name, name.encode())
    empty.ok("set", "files.w=w/**")
    said = empty.ok("status")
    assert said.lines[-3:] == [
        "Skipped files that look like credentials:", "  ?  w/.env",
        "     (track one with `mvc add PATH`, or ignore it with .mvcignore)",
    ]  # fmt: skip
    assert empty.ok("status", "--json").json["skipped"] == ["w/.env"]
    said = empty.ok("commit", "-m", "x")
    assert "note: skipped w/.env, which looks like credentials; track it with `mvc add w/.env`" in said.err
    assert [line.split()[-1] for line in empty.ok("ls").lines] == ["w/.metadata", "w/a.pt"]
    empty.ok("set", "files.env=w/.env")
    assert "skipped" not in empty.ok("commit", "-m", "x").err


# --- commit


def test_commit_says_what_it_made(empty: Shell) -> None:
    empty.write("w.onnx", b"w" * 2048)
    empty.ok("add", "w.onnx")
    said = empty.ok("commit", "-m", "First", "-m", "More \x1b[31mabout it", "--tag", "t", "--alias", "prod")
    assert said.lines[0].startswith("[main v1 ")
    assert said.lines[0].endswith("] First")
    assert said.lines[-2:] == ["  1 file, 2.0 KiB, 2.0 KiB stored", "  refs: t, prod"]
    assert empty.ok("log", "--format", "{message}").lines == ["First", "", "More \\x1b[31mabout it"]
    again = empty("commit", "-m", "Again")
    assert again.code == 1
    assert "--allow-empty" in again.err


def test_commit_json_and_dry_run(empty: Shell) -> None:
    empty.write("w.onnx", b"w" * 2048)
    empty.ok("add", "w.onnx")
    assert empty.ok("commit", "--dry-run").lines[0] == f"Would commit to main of {MODEL}:"
    assert empty("log").code == 2
    document = empty.ok("commit", "-m", "First", "--json").json
    assert (document["schema"], document["number"]) == ("mvc.commit/1", 1)
    assert (document["bytes_stored"], document["bytes_total"]) == (2048, 2048)


def test_a_message_comes_from_a_file(empty: Shell) -> None:
    empty.write("message", "Größer\n\nund besser\n".encode())
    empty.ok("commit", "--allow-empty", "-F", "message")
    assert empty.ok("log", "--format", "{message}").lines == ["Größer", "", "und besser"]
    empty.write("bad", b"\xff")
    for arguments in (("-F", "bad"), ("-F", "nowhere"), ("-F", "."), ("-F", "message", "-m", "x"), ("-m", ""), ()):
        assert empty("commit", "--allow-empty", *arguments).code == 2, arguments


def test_a_message_is_edited(empty: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\ncp "$1" seen\nprintf "Edited\\n# a comment\\nmore\\n" > "$1"\n', encoding="utf-8")
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", "false")
    monkeypatch.setenv("MVC_EDITOR", str(editor))
    empty.ok("commit", "--allow-empty", "-e", "-m", "Draft")
    assert empty.ok("log", "--format", "{message}").lines == ["Edited", "more"]
    seen = (tmp_path / "seen").read_text(encoding="utf-8").splitlines()
    assert seen[0] == "Draft"
    assert f"# about       + name {MODEL}" in seen
    monkeypatch.setenv("MVC_EDITOR", "false")
    assert empty("commit", "--allow-empty", "-e").code == 2
    monkeypatch.setenv("MVC_EDITOR", "true")
    assert empty("commit", "--allow-empty", "-e").code == 2  # nothing was written


def test_amend_keeps_number_message_and_author(shell: Shell, history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MVC_AUTHOR_NAME", "Ben")
    shell.set(parameters__epochs=3)
    shell.ok("commit", "--amend")
    assert shell.ok("log", "--format", "{number} {author} {subject}").lines == [
        "2 Ana Night images", "1 Ana First baseline"
    ]  # fmt: skip
    shell.ok("commit", "--amend", "-m", "Other words")
    assert shell.ok("log", "-n", "1", "--format", "{number} {subject}").lines == ["2 Other words"]
    shell.ok("tag", "held")
    assert shell("commit", "--amend", "-m", "x").code == 13


def test_commit_refuses(shell: Shell, history: History) -> None:
    shell.set(parameters__token="ghp_" + "a1B2" * 9)
    assert shell("commit", "-m", "x").code == 17
    shell.ok("commit", "-m", "x", "--allow-secret")
    shell.ok("switch", "v1")
    said = shell("commit", "--allow-empty", "-m", "x")
    assert said.code == 13
    assert "mvc switch -c NAME" in said.err
    assert shell("commit", "--allow-empty", "-m", "x", "--author", "nobody").code == 2
    assert shell("commit", "--allow-empty", "-m", "x", "--date", "soon").code == 2
