"""A model from Python: its verbs, its versions, their files."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path

import pytest

import mvc
from mvc import errors
from mvc.api.remote import FetchOptions, PullOptions, PushOptions
from tests.api.conftest import WEIGHTS


def test_a_version_goes_in_and_comes_back(model: mvc.Model, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    first = model["HEAD"]
    assert (first.number, first.message, str(first.author)) == (1, "First", "Ana <ana@example.org>")
    assert (first.labelmap, first.parameters, first.metrics) == (
        {0: "helmet", 1: "head"},
        {"epochs": 3},
        {"mAP50": 0.5},
    )
    assert model.status().clean
    (folder / "best.onnx").write_bytes(WEIGHTS[::-1])
    assert [change.kind for change in first.diff().difference.files] == ["M"]
    model.restore("model-latest")
    assert (folder / "best.onnx").read_bytes() == WEIGHTS
    assert [version.id for version in model.log()] == [first.id]
    assert not mvc.open(folder).fsck(read_data=True).findings
    assert capfd.readouterr() == ("", "")


def test_files_are_read_by_role_and_by_path(model: mvc.Model, tmp_path: Path) -> None:
    version = model["v1"]
    assert list(version.files) == ["model-latest"]
    assert version.files["best.onnx"].id == version.files["model-latest"].id
    with version.files["model-latest"].open() as file:
        file.seek(256)
        assert file.read(3) == b"\0\1\2"
        file.seek(-1, 2)
        assert file.read() == b"\xff"
    copy = version.files["model-latest"].path()
    assert (copy.name, copy.read_bytes()) == ("best.onnx", WEIGHTS)
    version.export(tmp_path / "release")
    assert (tmp_path / "release" / "best.onnx").read_bytes() == WEIGHTS
    with pytest.raises(errors.NotInVersion):
        version.files["weights"]
    assert version.files.get("weights") is None


@pytest.mark.parametrize("text", ["v9", "prod", "main~5", "0" * 64, "f" * 10])
def test_what_names_no_version_is_an_unknown_revision(model: mvc.Model, text: str) -> None:
    kinds = (errors.UnknownRevision, errors.NoParent)
    with pytest.raises(kinds):
        model[text]
    with pytest.raises(kinds):
        model.switch(text)
    with pytest.raises(kinds):
        model.branches.create("b", text)
    with pytest.raises(kinds):
        model.aliases.set("b", text)
    with pytest.raises(kinds):
        model["v1"].diff(text)


def test_branches_tags_and_aliases_are_mappings(model: mvc.Model) -> None:
    model.branches.create("try")
    model.switch("try")
    model.update(parameters={"epochs": 9})
    second = model.commit("Second", tags="2026.1", aliases=["prod"])
    assert second.id is not None
    assert (model.branch, list(model.branches), list(model.tags)) == ("try", ["main", "try"], ["2026.1"])
    assert model.aliases["prod"] == model["v2"] == model.tags["2026.1"]
    model.aliases.set("prod", "v1", message="too early")
    assert model.aliases.log("prod").moves[0].move.reason == "too early"
    assert model.aliases.rollback("prod").id == second.id
    assert model.aliases.delete("prod").number == 2
    assert "prod" not in model.aliases
    with pytest.raises(errors.NoSuchName):
        model.aliases["prod"]
    model.switch("main")
    model.tags.delete("2026.1")
    with pytest.raises(errors.UnmergedBranch):
        model.branches.delete("try")
    assert model.branches.delete("try", force=True).id == second.id
    assert model.reflog("try").moves[0].new is None


def test_an_actor_is_given_or_found_at_each_call(model: mvc.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MVC_AUTHOR_NAME", "Ben")
    model.update(parameters={"epochs": 4})
    model.commit("By Ben")
    model.update(parameters={"epochs": 5})
    model.commit("By Eve", actor="Eve <eve@example.org>", date="2026-03-01")
    assert [version.author.name for version in model.log()] == ["Eve", "Ben", "Ana"]
    assert model["HEAD"].time.utc() == "2026-03-01T00:00:00Z"


def test_the_training_codes_commit_is_found_as_the_command_line_finds_it(model: mvc.Model) -> None:
    assert model["v1"].code is None  # no Git here
    code = mvc.Code("0" * 40, "main", None, dirty=False)
    model.update(parameters={"epochs": 4})
    model.commit("Second", code=code)
    assert model["HEAD"].code == code


def test_what_is_shown_is_one_line(model: mvc.Model) -> None:
    version = model["v1"]
    shown = [model, version, model.log(), version.files, version.files["model-latest"], model.branches, model.status()]
    shown += [version.diff(), version.check(), model.tags, mvc.open(model.folder)]
    for each in shown:
        assert "\n" not in repr(each)
        assert len(repr(each)) < 200, each


def test_names_are_completed(model: mvc.Model) -> None:
    model.tags.create("2026.1")
    assert model._ipython_key_completions_() == ["HEAD", "main", "2026.1"]
    assert model["v1"].files._ipython_key_completions_() == ["model-latest"]


def test_a_repository_is_pickled_as_its_path(model: mvc.Model) -> None:
    again = pickle.loads(pickle.dumps(mvc.open(model.folder)))
    assert again.model()["v1"] == model["v1"]


def test_errors_say_what_and_what_next(tmp_path: Path) -> None:
    with pytest.raises(mvc.errors.NoRepository) as caught:
        mvc.open(tmp_path)
    assert caught.value.exit_code == 10
    assert "mvc init" in caught.value.hint


def test_versions_travel_by_text(model: mvc.Model, tmp_path: Path) -> None:
    origin = mvc.open(model.folder).remotes.add("origin", str(tmp_path / "origin"))
    pushed = origin.push("main", set_upstream=True, repair=True)
    assert pushed.repaired is None  # there was nothing yet
    origin.push("main:release")
    assert sorted(ref.ref.name for ref in origin.seen) == ["main", "release"]
    origin.push(":release")
    copy = mvc.clone(str(tmp_path / "origin"), tmp_path / "copy", meta=True).model()
    assert copy["origin/main"] == model["main"]
    assert copy["main"].files["model-latest"].read() == WEIGHTS
    model.update(parameters={"epochs": 4})
    model.commit("Second")
    pushed = model.push(repair=True)
    assert pushed.rejected == ()
    assert pushed.repaired is not None
    assert pushed.repaired.after.findings == ()
    copy.pull()
    assert copy["main"].parameters == {"epochs": 4}


def test_settings_are_a_mapping(model: mvc.Model) -> None:
    config = mvc.open(model.folder).config
    config.set("core.lock-timeout", 3)
    assert config["core.lock-timeout"] == 3
    assert "core.lock-timeout" in list(config)
    assert config.unset("core.lock-timeout")
    with pytest.raises(errors.NoValue):
        config["core.lock-timeout"]
    mvc.user_config().set("user.name", "Ana", user=True)
    assert mvc.user_config()["user.name"] == "Ana"


def test_what_another_process_did_is_seen(model: mvc.Model, tmp_path: Path) -> None:
    other = mvc.open(model.folder)
    assert model["HEAD"].number == 1
    other.model().update(parameters={"epochs": 9})
    other.model().commit("Second")
    assert model["HEAD"].parameters == {"epochs": 9}
    (tmp_path / "helmets" / "best.onnx").write_bytes(WEIGHTS * 2)
    other.model().commit("Third")
    assert model["v3"].files["model-latest"].read() == WEIGHTS * 2
    other.remotes.add("origin", str(tmp_path / "origin")).push()
    copy = mvc.clone(str(tmp_path / "origin"), tmp_path / "copy").model()
    assert copy["v3"].number == 3
    again = mvc.open(tmp_path / "copy")
    (tmp_path / "helmets" / "best.onnx").write_bytes(WEIGHTS * 3)
    model.commit("Fourth")
    model.push()
    again.model().pull()
    assert copy["v4"].files["model-latest"].read() == WEIGHTS * 3


def test_the_options_of_a_models_verbs_are_those_of_the_remotes() -> None:
    for name, options in (("push", PushOptions), ("pull", PullOptions), ("fetch", FetchOptions)):
        parameters = inspect.signature(getattr(mvc.Remote, name)).parameters.values()
        keywords = {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}
        assert keywords - {"model"} == options.__annotations__.keys(), name


def test_offline_no_remote_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MVC_OFFLINE", "1")
    with pytest.raises(errors.Offline):
        mvc.open("s3://bucket/x")
    with pytest.raises(errors.Offline):
        mvc.clone("s3://bucket/x")
