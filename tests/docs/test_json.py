"""docs/reference/json.md is made from the code, and says of every document what it really has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.api.verbs import METHODS
from tests.cli.shell import Shell
from tests.docs import documents, pages


def test_the_page_is_what_the_code_says() -> None:
    pages.check("json.md", documents.page())


def test_every_verb_has_a_document() -> None:
    verbs = {verb.partition(" ")[0] for verb in METHODS} - {"completion", "checkout"}
    assert verbs == documents.DOCUMENTS.keys()


def test_every_class_that_a_document_names_is_there() -> None:
    named = {word for shapes in documents.DOCUMENTS.values() for word in re.findall(r"\b[A-Z]\w+", str(shapes))}
    assert named <= documents.classes().keys()


def test_one_thing_has_one_key() -> None:
    keys = {key for name in documents.reached() for key in documents.fields(name)}
    assert not keys & {"bytes", "new_bytes", "date", "when", "at", "who", "actor"}


SCRIPT = """
init --model helmets
add w.bin --as model-latest
set labelmap.0=helmet parameters.lr=0.1 metrics.mAP=0.5
get parameters
get
status
commit -m First
set parameters.lr=0.2
unset parameters.lr
set intent.ready_for=storage
diff
commit -m Second --tag t --alias prod
alias
alias set prod v1 -m back
alias log prod
alias rollback prod
reflog
log --stat
show
ls
ls -l --tensors
cat v1:model-latest -o out.bin
check
check --list
check v2
du
tag
tag u v1
tag -d u
branch
branch side v1
branch --show-current
switch side
set metrics.mAP=0.7
commit -m Side
merge main -m Both
switch main
branch -D side
reset v1 --keep
restore .
export v1 ../export
rm model-latest --cached
restore model.toml
config core.lock-timeout 3
config core.lock-timeout
config
models
models rename helmets hats
source
remote add origin ../origin
remote
remote show origin
remote check origin
push
push origin main:other
fetch
pull
fsck
fsck --remote origin
gc --dry-run
gc --remote origin --dry-run
alias rm prod
remote rm origin
"""


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, dict[str, Any]]]:
    """The document of each line of the script."""
    with pytest.MonkeyPatch.context() as patch:
        folder: Path = tmp_path_factory.mktemp("json") / "work"
        folder.mkdir()
        shell = Shell(folder, patch)
        shell.write("w.bin", b"w" * 5000)
        found = []
        for line in SCRIPT.strip().splitlines():
            words = line.split()
            said = shell(*words, "--json")
            assert said.code in (0, 1), (line, said.err)
            if said.out.strip():
                found.append((line, json.loads(said.out)))
        return found


def test_real_documents_have_no_other_fields(answered: list[tuple[str, dict[str, Any]]]) -> None:
    wrong = {line: found for line, document in answered if (found := documents.faults(_verb(document), document))}
    assert not wrong


def test_the_script_reaches_most_documents(answered: list[tuple[str, dict[str, Any]]]) -> None:
    reached = {_verb(document) for _, document in answered}
    assert documents.DOCUMENTS.keys() - reached == {"clone", "docker", "drift", "import", "publish"}


def _verb(document: dict[str, Any]) -> str:
    name, _, number = document["schema"].removeprefix("mvc.").partition("/")
    assert number == "1"
    return str(name)
