"""merge: two versions become one, conflicts are decided by a person, and --abort leaves no trace."""

from __future__ import annotations

import json

import pytest

from tests.cli.shell import Shell

WEIGHTS = "weights/best.onnx"


@pytest.fixture
def forked(shell: Shell) -> Shell:
    """main and night, both made from v1; night trained the weights, main changed a parameter."""
    shell.write(WEIGHTS, b"one" * 1000)
    shell.ok("add", WEIGHTS, "--as", "weights")
    shell.ok("set", "parameters.lr=0.1", "parameters.epochs=3", "labelmap.0=helmet", "labelmap.1=head")
    (shell.folder / "model.toml").write_text((shell.folder / "model.toml").read_text() + "\n# mine\n")
    shell.ok("commit", "-m", "one")
    shell.ok("switch", "-c", "night")
    shell.write(WEIGHTS, b"two" * 1000)
    shell.ok("set", "parameters.epochs=9")
    shell.ok("commit", "-m", "night")
    shell.ok("switch", "main")
    return shell


def on_main(shell: Shell, *assignments: str) -> None:
    shell.ok("set", *assignments)
    shell.ok("commit", "-m", "main")


def state(shell: Shell) -> dict[str, bytes]:
    return {
        str(path.relative_to(shell.folder)): path.read_bytes()
        for path in shell.folder.rglob("*")
        if path.is_file() and ".mvc" not in path.parts
    }


def test_changes_of_both_sides_come_together(forked: Shell) -> None:
    on_main(forked, "parameters.lr=0.2")
    done = forked.ok("merge", "night", "--json").json
    assert (done["schema"], done["outcome"], done["number"], done["conflicts"]) == ("mvc.merge/1", "merged", 3, [])
    assert (forked.folder / WEIGHTS).read_bytes() == b"two" * 1000
    text = (forked.folder / "model.toml").read_text()
    assert "lr = 0.2" in text
    assert "epochs = 9" in text
    assert "# mine" in text
    assert forked.ok("status", "--exit-code").code == 0
    shown = forked.ok("show", "HEAD", "--json").json
    assert len(shown["parents"]) == 2
    assert "Merge night into main" in forked.ok("log", "--graph").out
    assert forked.ok("merge", "night").lines == ["Already up to date."]
    assert forked.ok("fsck").code == 0


def test_a_merge_has_the_date_that_is_given(forked: Shell) -> None:
    on_main(forked, "parameters.lr=0.2")
    forked.ok("merge", "night", "--date", "2024-02-03 10:00 +0000")
    assert forked.ok("show", "--json").json["time"] == "2024-02-03T10:00:00Z"
    forked.ok("reset", "--hard", "HEAD~1")
    forked.ok("set", "parameters.epochs=5")
    forked.commit("five")
    assert forked("merge", "night").code == 1
    forked.ok("merge", "--continue", "--theirs", "--date", "2024-02-04 10:00 +0000")
    assert forked.ok("show", "--json").json["time"] == "2024-02-04T10:00:00Z"
    assert forked("merge", "night", "--date", "soon").code == 2


def test_a_branch_that_did_not_move_goes_on(forked: Shell) -> None:
    assert forked.ok("merge", "night", "--ff-only", "--json").json["outcome"] == "fast-forward"
    assert forked.ok("status", "--exit-code").code == 0
    forked.ok("reset", "--hard", "HEAD~1")
    on_main(forked, "parameters.lr=0.2")
    assert forked("merge", "night", "--ff-only").code == 13


def test_conflicts_are_listed_and_wait(forked: Shell) -> None:
    on_main(forked, "parameters.epochs=5")
    said = forked("merge", "night")
    assert said.code == 1
    assert "parameters.epochs" in said.out
    assert (forked.folder / WEIGHTS).read_bytes() == b"two" * 1000
    assert "epochs = 5" in (forked.folder / "model.toml").read_text()
    assert "in progress" in forked.ok("status").out
    for verb in (("commit", "-m", "x"), ("switch", "night"), ("reset", "v1"), ("merge", "night")):
        refused = forked(*verb)
        assert refused.code == 13
        assert "mvc merge --continue" in refused.err
    undecided = forked("merge", "--continue")
    assert undecided.code == 1
    assert "parameters.epochs" in undecided.err
    forked.ok("gc", "--grace", "0")
    assert forked.ok("fsck").code == 0
    forked.ok("merge", "--continue", "--take", "parameters.epochs=theirs")
    assert "epochs = 9" in (forked.folder / "model.toml").read_text()
    assert len(forked.ok("show", "HEAD", "--json").json["parents"]) == 2
    assert forked("merge", "--continue").code == 2


def test_an_edit_decides_a_conflict(forked: Shell) -> None:
    on_main(forked, "parameters.epochs=5")
    assert forked("merge", "night").code == 1
    forked.ok("set", "parameters.epochs=7")
    forked.ok("merge", "--continue", "-m", "seven")
    assert forked.ok("get", "parameters.epochs").out.strip() == "7"
    assert forked.ok("status", "--exit-code").code == 0


@pytest.mark.parametrize(
    ("flag", "epochs"), [("--ours", "5"), ("--theirs", "9"), ("--take=parameters.epochs=theirs", "9")]
)
def test_a_side_chosen_at_once_needs_no_second_step(forked: Shell, flag: str, epochs: str) -> None:
    on_main(forked, "parameters.epochs=5")
    forked.ok("merge", "night", flag)
    assert forked.ok("get", "parameters.epochs").out.strip() == epochs


def test_files_in_conflict_are_whole(forked: Shell) -> None:
    forked.write(WEIGHTS, b"three" * 1000)
    forked.ok("commit", "-m", "main")
    before = state(forked)
    assert forked("merge", "night", "--json").json["conflicts"][0]["field"] == "files.weights"
    assert (forked.folder / WEIGHTS).read_bytes() == b"three" * 1000
    forked.write(WEIGHTS, b"edited")
    forked.ok("merge", "--abort")
    assert state(forked) == before
    assert forked.ok("status", "--exit-code").code == 0
    assert forked("merge", "--abort").code == 2
    assert forked("merge", "night").code == 1
    forked.ok("merge", "--continue", "--take", "files.weights=theirs")
    assert (forked.folder / WEIGHTS).read_bytes() == b"two" * 1000


def test_other_class_numbers_under_trained_weights_are_never_merged_silently(forked: Shell) -> None:
    on_main(forked, "labelmap.0=head", "labelmap.1=helmet")
    said = forked("merge", "night", "--json").json
    assert [each["field"] for each in said["conflicts"]] == ["labelmap"]
    forked.ok("reset", "--hard")
    assert forked.ok("status", "--exit-code").code == 0
    assert "in progress" not in forked.ok("status").out


def test_what_is_refused(forked: Shell) -> None:
    on_main(forked, "parameters.epochs=5")
    assert forked("merge", "night", "--take", "parameters.nothing=ours").code == 2
    assert forked("merge", "night", "--take", "x").code == 2
    assert forked("merge").code == 2
    forked.ok("set", "parameters.lr=0.7")
    said = forked("merge", "night")
    assert said.code == 16
    assert "mvc restore" in said.err


def test_a_criss_cross_names_both_bases(forked: Shell) -> None:
    on_main(forked, "parameters.lr=0.2")
    forked.ok("branch", "old")
    forked.ok("merge", "night")
    forked.ok("switch", "night")
    forked.ok("merge", "old", "-m", "the other way")
    said = forked("merge", "main")
    assert said.code == 13
    assert said.err.count("v2 ") == 2


@pytest.fixture
def conflicting(forked: Shell) -> Shell:
    """A merge of night into main in progress, with a conflict of a value and one of the weights."""
    forked.write(WEIGHTS, b"ours" * 1000)
    on_main(forked, "parameters.epochs=5")
    assert forked("merge", "night").code == 1
    return forked


def test_status_lists_the_open_conflicts_and_the_resolved_ones(conflicting: Shell) -> None:
    shown = conflicting.ok("status").out
    assert "files.weights\n" in shown
    assert "parameters.epochs\n" in shown
    assert "Nothing to commit" not in shown
    assert conflicting("status", "--exit-code").code == 1
    conflicting.ok("set", "parameters.epochs=7")
    found = conflicting.ok("--json", "status").json
    assert [each["field"] for each in found["conflicts"]] == ["files.weights"]
    assert (found["resolved"], found["clean"]) == (["parameters.epochs"], False)
    assert "Resolved conflicts:\n  parameters.epochs\n" in conflicting.ok("status").out


def test_a_conflict_is_taken_by_the_path_of_its_file(conflicting: Shell) -> None:
    said = conflicting("merge", "--continue", "--take", f"{WEIGHTS}=theirs")
    assert (said.code, "1 conflict not resolved: parameters.epochs. Resolved: files.weights=theirs.\n" in said.err) == (
        1,
        True,
    )
    said = conflicting("merge", "--continue", "--take", f"{WEIGHTS}=ours")  # a choice may be made again
    assert "not resolved: parameters.epochs. Resolved: files.weights=ours." in said.err
    said = conflicting.ok("merge", "--continue", "--take", "parameters.epochs=theirs")
    assert "epochs 5 -> 9" in said.out
    assert (conflicting.folder / WEIGHTS).read_bytes() == b"ours" * 1000


def test_a_merge_in_progress_names_the_branch(conflicting: Shell) -> None:
    said = conflicting("commit", "-m", "x")
    assert (said.code, "is in progress on main of helmets" in said.err) == (13, True)


def train(shell: Shell, number: int) -> None:
    """Weights, and the file that their metric and many parameters are read from."""
    shell.write(WEIGHTS, str(number).encode() * 1000)
    shell.write("metrics.json", b'{"mAP": 0.%d}' % number)
    settings = {f"a_setting_of_the_training_{key}": key for key in range(9)} | {"lr": number}
    shell.write("params.json", json.dumps(settings).encode())


@pytest.fixture
def trained(shell: Shell) -> Shell:
    """main and night with other weights, metrics and parameters than their base; the merge has conflicts."""
    train(shell, 1)
    shell.ok("add", WEIGHTS, "--as", "model-latest")
    shell.ok("set", "from.metrics=metrics.json", "from.parameters=params.json")
    shell.commit("one")
    shell.ok("switch", "-c", "night")
    train(shell, 2)
    shell.commit("night")
    shell.ok("switch", "main")
    train(shell, 3)
    shell.commit("main")
    return shell


def test_what_is_resolved_is_said_and_mixed_trainings_are_a_warning(trained: Shell) -> None:
    said = trained("merge", "night")
    assert said.code == 1
    lr = [line.split()[1:] for line in said.lines if '"lr"' in line]
    assert lr == [['{"lr":', "3}"], ['{"lr":', "2}"], ['{"lr":', "1}"]]
    refused = trained("merge", "--continue", "--take", "files.model-latest=theirs")
    assert "2 conflicts not resolved: metrics, parameters. Resolved: files.model-latest=theirs." in refused.err
    done = trained.ok("merge", "--continue", "--ours")
    assert "measured on the weights of our side, which the merge replaces: mAP 0.3" in done.err
    assert (trained.folder / WEIGHTS).read_bytes() == b"2" * 1000


@pytest.mark.parametrize("side", ["--ours", "--theirs"])
def test_weights_and_metrics_of_one_side_are_no_warning(trained: Shell, side: str) -> None:
    assert trained("merge", "night").code == 1
    assert "measured" not in trained.ok("merge", "--continue", side).err


def test_metrics_that_only_the_losing_side_has_are_a_warning(trained: Shell) -> None:
    trained.ok("set", "metrics.field=0.33")
    trained.commit("measured in the field")
    assert trained("merge", "night").code == 1
    done = trained.ok("merge", "--continue", "--theirs", "--json")
    assert [each["key"] for each in done.json["warnings"]] == ["metrics"]
    assert "field 0.33" in done.json["warnings"][0]["message"]


def test_a_merge_without_conflict_warns_too_and_a_team_may_refuse_it(forked: Shell) -> None:
    on_main(forked, "metrics.field=0.33")
    said = forked.ok("merge", "night")
    assert "measured on the weights of our side, which the merge replaces: field 0.33" in said.err
    forked.ok("reset", "--hard", "HEAD~1")
    forked.ok("config", "metrics.stale", "refuse")
    assert forked("merge", "night").code == 1
    assert forked("merge", "--continue").code == 17
    forked.ok("unset", "metrics.field")
    forked.ok("merge", "--continue")


def test_a_merge_names_the_files_that_it_deletes(forked: Shell) -> None:
    forked.write("notes.txt", b"x")
    forked.ok("add", "notes.txt")
    forked.commit("notes")
    forked.ok("switch", "-c", "other")
    forked.ok("rm", "notes")
    forked.commit("without")
    forked.ok("switch", "main")
    on_main(forked, "parameters.lr=0.5")
    assert "    notes.txt" in forked.ok("merge", "other").lines


def test_long_values_are_shown_where_they_differ(forked: Shell) -> None:
    text = "the same words " * 20
    forked.ok("set", f"model.description={text}ours")
    forked.commit("ours")
    forked.ok("switch", "night")
    forked.ok("set", f"model.description={text}theirs")
    forked.commit("theirs")
    forked.ok("switch", "main")
    said = forked("merge", "night")
    assert [line.split()[-1] for line in said.lines if "…" in line] == ['ours"', 'theirs"']
