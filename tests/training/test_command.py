"""`mvc run`: the command is as without mvc, and what it left is a version."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import mvc
from mvc.plural import size

MVC = (sys.executable, "-m", "mvc")
SOURCE = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
TRAIN = """
import json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
(folder / "weights").mkdir(parents=True)
(folder / "weights/best.pt").write_bytes(b"weights of " + sys.argv[1].encode())
(folder / "args.yaml").write_text("lr0: 0.01\\n")
(folder / "results.csv").write_text("epoch,metrics/mAP50-95(B)\\n1,0.5\\n2,0.71\\n3,0.6\\n")
print("trained", flush=True)
"""


@pytest.fixture
def folder(model: mvc.Model, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a model with one version, and a training script beside it."""
    monkeypatch.setenv("MVC_AUTHOR_NAME", "Ana")
    monkeypatch.setenv("MVC_AUTHOR_EMAIL", "ana@example.org")
    place = Path(model.folder)
    (place / "train.py").write_text(TRAIN, encoding="utf-8")
    return place


def run(folder: Path, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """`mvc run ARGUMENTS` in a process of its own."""
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [*MVC, "run", *arguments], cwd=folder, env=SOURCE | {"MVC_AUTHOR_NAME": "Ana", "MVC_AUTHOR_EMAIL": "ana@example.org"},
        capture_output=True, text=True, check=False, **options,
    )  # fmt: skip


def python(script: str) -> tuple[str, ...]:
    return ("--", sys.executable, "-c", script)


def write(path: str, text: str = "weights", more: str = "") -> tuple[str, ...]:
    """A command that writes a file."""
    return python(
        f"import pathlib as p; f = p.Path({path!r}); f.parent.mkdir(parents=True, exist_ok=True); f.write_text({text!r}); {more}"
    )


def test_a_training_becomes_a_version(model: mvc.Model, folder: Path) -> None:
    before = (folder / "model.toml").read_bytes()
    done = run(folder, sys.executable, "train.py", "runs/exp1")
    assert (done.returncode, done.stdout) == (0, "trained\n")
    version = model["v2"]
    assert done.stderr == (f"mvc: recorded helmets v2 {version.id[:10]} on main, {version_size(version)}\n")
    assert version.message == f"exp1: {sys.executable} train.py runs/exp1"
    assert model.undo().operations[0].first.command == f"mvc run -- {sys.executable} train.py runs/exp1"
    model.redo()
    assert version.files["model-latest"].read() == b"weights of runs/exp1"
    assert version.files["results"].read().startswith(b"epoch,")
    assert version.metrics == {"metrics/mAP50-95(B)": 0.71}
    assert version.parameters["lr0"] == 0.01
    assert version.labelmap == {0: "helmet", 1: "head"}
    assert (folder / "model.toml").read_bytes() == before


def test_a_run_has_the_files_that_add_run_and_a_commit_would_give(model: mvc.Model, folder: Path) -> None:
    (folder / "data.yaml").write_text("names: [helmet, head]\n", encoding="utf-8")
    train = TRAIN.replace('write_text("lr0: 0.01', 'write_text("data: data.yaml')
    (folder / "train.py").write_text(train, encoding="utf-8")
    subprocess.run([sys.executable, "train.py", "runs/exp1"], cwd=folder, check=True)
    model.unset("labelmap.0", "labelmap.1")
    model.add_run(folder / "runs/exp1")
    tracked = model.commit("One")
    before = paths(model["HEAD"])
    weights = (folder / "runs/exp1/weights/best.pt").read_bytes()
    assert run(folder, sys.executable, "train.py", "runs/exp2").returncode == 0
    after = paths(model["HEAD"])
    assert after.pop("environment") == "environment.json"
    assert after == {role: path.replace("exp1", "exp2") for role, path in before.items()}
    assert (tracked.files, after["labelmap"]) == (len(before), "data.yaml")
    model.restore(discard=True)
    assert (folder / "runs/exp1/weights/best.pt").read_bytes() == weights
    added = model.add_run(folder / "runs/exp2")
    assert (added.entries, added.dropped) == ((), ())
    model.commit("Two")
    assert run(folder, sys.executable, "train.py", "runs/exp3").returncode == 0
    assert paths(model["HEAD"]) == {
        "environment": "environment.json",
        **{role: path.replace("exp1", "exp3") for role, path in before.items()},
    }


def paths(version: mvc.Version) -> dict[str, str]:
    return {role: file.name for role, file in version.files.items()}


def version_size(version: mvc.Version) -> str:
    total = size(sum(file.size for file in version.files.values()))
    return f"{total} ({total} stored)"


@pytest.mark.parametrize("code", [1, 2, 130])
def test_a_command_that_fails_leaves_no_version(model: mvc.Model, folder: Path, code: int) -> None:
    done = run(folder, *write("out/best.pt", more=f"import sys; sys.exit({code})"))
    assert done.returncode == code
    assert f"mvc: the command failed (exit code {code}): its run is not recorded. Record it anyway: mvc " in done.stderr
    assert len(model.log()) == 1


def test_a_command_that_fails_in_another_folder_is_recorded_later_by_the_command_that_is_named(
    model: mvc.Model, folder: Path
) -> None:
    (folder / "deep").mkdir()
    done = run(folder / "deep", *write("out/best.pt", more="import sys; sys.exit(3)"))
    words = shlex.split(done.stderr.partition("Record it anyway: mvc ")[2])
    assert subprocess.run([*MVC, *words], env=SOURCE, cwd="/", capture_output=True, check=False).returncode == 0
    (branch,) = (name for name in model.branches if name != "main")
    assert branch.startswith("run/")
    assert model[branch].files["model-latest"].read() == b"weights"
    assert model[branch].message.partition("\n")[0].endswith("(failed)")


def test_a_command_that_fails_is_recorded_on_its_own_branch_if_asked(model: mvc.Model, folder: Path) -> None:
    done = run(folder, "--keep-failed", "--name", "7", *write("out/best.pt", more="import sys; sys.exit(3)"))
    assert done.returncode == 3
    assert model["run/7"].files["model-latest"].read() == b"weights"
    assert model.branches["main"] == model["v1"]


def test_a_command_that_a_signal_ends_ends_mvc_by_it(model: mvc.Model, folder: Path) -> None:
    done = run(folder, *python("import os; os.kill(os.getpid(), 9)"))
    assert done.returncode == -signal.SIGKILL
    assert done.stderr == "mvc: the command failed (SIGKILL): nothing is recorded\n"


def test_a_command_that_writes_no_weights_is_told_what_was_looked_for(folder: Path) -> None:
    done = run(folder, "--", "true")
    assert done.returncode == 0
    assert "mvc: the run is not recorded: The command wrote no weights in" in done.stderr
    assert "`mvc run --watch PATH`" in done.stderr
    watched = run(folder, "--watch", ".", "--", "true")
    assert f"The command wrote no weights in {folder}." in watched.stderr


def test_options_of_the_command_are_its_own(folder: Path) -> None:
    done = run(folder, "echo", "-m", "--strict", "--json", "--", "x")
    assert done.stdout == "-m --strict --json -- x\n"


def test_several_runs_become_a_version_each(model: mvc.Model, folder: Path) -> None:
    script = "import subprocess, sys; [subprocess.run([sys.executable, 'train.py', f'runs/exp{n}'], check=True) for n in (2, 1, 3)]"
    done = run(folder, "--alias", "candidate", "--tag", "t1", *python(script))
    assert done.returncode == 0, done.stderr
    assert [version.subject.partition(":")[0] for version in model.log()[:3]] == ["exp3", "exp1", "exp2"]
    assert "t1, candidate not set: the command left 3 runs" in done.stderr
    assert "candidate" not in model.aliases
    assert [model[f"v{n}"].files["model-latest"].read() for n in (2, 3, 4)] == [
        b"weights of runs/exp2",
        b"weights of runs/exp1",
        b"weights of runs/exp3",
    ]


def test_the_weights_that_a_trainer_downloads_are_no_run(model: mvc.Model, folder: Path) -> None:
    script = "import pathlib as p, subprocess, sys; p.Path('yolo11n.pt').write_text('pretrained'); subprocess.run([sys.executable, 'train.py', 'runs/exp1'], check=True)"
    done = run(folder, "--alias", "candidate", *python(script))
    assert done.returncode == 0, done.stderr
    assert (model["HEAD"].number, model["candidate"]) == (2, model["HEAD"])
    assert model["HEAD"].files["model-latest"].read() == b"weights of runs/exp1"
    assert "yolo11n.pt is left out: it is not in the folder of a run" in done.stderr
    assert run(folder, "--watch", "yolo11n.pt", *write("yolo11n.pt", "own")).returncode == 0
    assert model["v3"].files["model-latest"].read() == b"own"


@pytest.mark.parametrize("watch", ["runs/b", "runs/b/best.pt", "runs/?/best.pt", "runs/b/*.pt"])
def test_only_what_is_watched_is_recorded(model: mvc.Model, folder: Path, watch: str) -> None:
    script = "import pathlib as p; [(p.Path(f).parent.mkdir(parents=True), p.Path(f).write_text(f)) for f in ('other/x.pt', 'runs/b/best.pt')]"
    done = run(folder, "--watch", watch, *python(script))
    assert done.returncode == 0
    assert model["HEAD"].files["model-latest"].read() == b"runs/b/best.pt"
    assert model["HEAD"].number == 2


def test_a_training_that_records_itself_is_not_recorded_again(model: mvc.Model, folder: Path) -> None:
    script = "import mvc; f = open('w.pt', 'w'); f.write('own'); f.close(); r = mvc.run('helmets'); r.best('w.pt', mAP50=0.5); r.finish()"
    done = run(folder, *python(script))
    assert done.returncode == 0, done.stderr
    assert "is recorded already, as v2" in done.stderr
    assert len(model.log()) == 2


def test_beside_another_run_only_a_watched_one_is_recorded(model: mvc.Model, folder: Path) -> None:
    other = subprocess.Popen(
        [*MVC, "run", *python("print('on', flush=True); input()")], cwd=folder, env=SOURCE,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert other.stdout is not None
    assert other.stdout.readline() == "on\n"
    done = run(folder, *write("out/best.pt"))
    assert done.returncode == 0
    assert "another `mvc run` is at work in" in done.stderr
    assert "so it is not known which command wrote" in done.stderr
    assert len(model.log()) == 1
    assert run(folder, "--watch", "out", *write("out/best.pt", "again")).stderr.startswith("mvc: recorded helmets v2")
    other.communicate("\n")


def test_of_two_runs_at_once_neither_is_recorded_and_both_are_named(model: mvc.Model, folder: Path) -> None:
    def start(name: str) -> subprocess.Popen[str]:
        script = f"import pathlib as p; p.Path('{name}').mkdir(); p.Path('{name}/w.pt').write_text('{name}'); print('on', flush=True); input()"
        begun = subprocess.Popen(
            [*MVC, "run", *python(script)], cwd=folder, env=SOURCE,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert begun.stdout is not None
        assert begun.stdout.readline() == "on\n"
        return begun

    first, second = start("p1"), start("p2")
    assert first.stderr is not None
    assert "another `mvc run` began in" in first.stderr.readline()
    said = second.communicate("\n")[1]
    assert "p2. If this one did" in said
    assert said.count(" record -m ") == 1
    said = first.communicate("\n")[1]  # the second has ended, and wrote a run meanwhile
    assert "p1" in said
    assert "p2. Choose the FOLDER that this one wrote" in said
    assert (said.count(" record -m "), said.count("--run FOLDER`")) == (1, 1)
    assert len(model.log()) == 1


def test_alias_tag_message_and_branch(model: mvc.Model, folder: Path) -> None:
    options = ("-m", "Night", "--alias", "candidate", "--tag", "n1", "--branch", "night", "--watch", "out/best.pt")
    done = run(folder, *options, *write("out/best.pt"))
    assert done.returncode == 0, done.stderr
    version = model["night"]
    assert (version, version, "Night") == (model["candidate"], model["n1"], version.message)


def test_json_is_on_stderr_or_in_a_file(folder: Path) -> None:
    done = run(folder, "--json", *write("out/best.pt"))
    document = json.loads(done.stderr)
    assert (done.stdout, document["schema"], document["code"], document["signal"]) == ("", "mvc.run/1", 0, None)
    assert document["runs"][0]["folder"] == os.path.realpath(folder / "out")
    assert document["runs"][0]["number"] == 2
    done = run(folder, "--json", "-o", "run.json", *write("out/best.pt", "again"))
    assert done.stderr == ""
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["runs"][0]["number"] == 3


def test_strict_refuses_to_start_what_cannot_be_recorded(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    nowhere = tmp_path_factory.mktemp("nowhere")
    done = run(nowhere, "--strict", "--", "echo", "ran")
    assert (done.returncode, done.stdout) == (2, "")
    done = run(nowhere, "--", "echo", "ran")
    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert run(folder, "--strict", "--", "true").returncode == 17
    assert run(folder, "--strict", "--", "sh", "-c", "exit 5").returncode == 5


def test_the_command_has_the_variables_and_the_folder_of_the_caller(folder: Path) -> None:
    script = "import os; print(os.environ.get('OPENBLAS_NUM_THREADS'), os.environ.get('LC_CTYPE'), os.getcwd())"
    variables = {name: value for name, value in SOURCE.items() if name not in ("OPENBLAS_NUM_THREADS", "LC_CTYPE")}
    for extra, shown in (({}, "None None"), ({"LC_ALL": "C"}, "None None"), ({"OPENBLAS_NUM_THREADS": "3"}, "3 None")):
        alone = subprocess.run(
            [*MVC, "-C", str(folder), "run", "--", "python3", "-c", script],
            env=variables | extra, cwd="/", capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert alone.stdout.startswith(shown) or extra == {}, alone.stdout
        assert alone.stdout.strip().endswith(str(folder))


def test_stdin_and_bytes_pass_unchanged(folder: Path) -> None:
    data = bytes(range(256)) * 300
    done = subprocess.run(
        [*MVC, "run", "--", "cat"], cwd=folder, env=SOURCE, input=data, capture_output=True, check=False
    )
    assert done.stdout == data


def test_four_commands_at_once_lose_nothing(model: mvc.Model, folder: Path) -> None:
    def train(number: int) -> None:
        done = run(folder, "--watch", f"runs/{number}", sys.executable, "train.py", f"runs/{number}")
        assert done.returncode == 0, done.stderr

    threads = [threading.Thread(target=train, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {model[f"v{number}"].files["model-latest"].read() for number in range(2, 6)}
    assert found == {f"weights of runs/{number}".encode() for number in range(4)}
