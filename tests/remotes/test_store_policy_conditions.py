"""The conditions of Google and Azure that `mvc remote policy` prints, read by their documented grammars.

No emulator judges them. So they are evaluated here, as the documentation says, for every name that pushes create; neither
was tried with the provider.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mvc.remotes.backends import address
from mvc.remotes.permissions import azure, gcs, protected
from mvc.remotes.permissions.protected import Access
from tests.cli.shell import Shell, begin
from tests.remotes.clones import ana

REFS = ("alias:prod", "alias:release/*")
NEW = "0000000009"


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[str], list[str]]]:
    """The names that pushes of unprotected refs create, and those of protected ones."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("pushed")
        yield pushed(ana(folder, patch, random.Random(1))[0], folder / "origin")


def pushed(hers: Shell, root: Path) -> tuple[list[str], list[str]]:
    hers.ok("notes", "add", "HEAD", "-m", "good")
    for kind, ref in (("alias", "prod"), ("alias", "release/1"), ("tag", "2026.1")):
        hers.ok(kind, *(["set"] if kind == "alias" else []), ref, "HEAD")
    hers.ok("push", "--tags")
    hers.ok("branch", "production")
    hers.ok("push", "origin", "production")
    found = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    mine = [name for name in found if re.search(r"/aliases/(prod|release%2f1)/", name)]
    assert len(mine) == 2
    others = [
        *(name for name in found if name not in mine),
        f"refs/helmets/aliases/%50rod/{NEW}",
        f"refs/helmets/heads/release%2f1/{NEW}",
    ]
    assert {name.partition("/")[0] for name in others} >= {"format", "packs", "meta", "refs", "intents", "probe"}
    return others, [*mine, f"refs/new/tags/prod/{NEW}", f"refs/x/heads/prod/{NEW}", f"refs/x/aliases/release%2f/{NEW}"]


def access(*refs: str) -> Access:
    return Access(tuple(map(protected.parse, refs)))


@pytest.mark.parametrize("prefix", ["", "/vision", "/refs/x/heads/prod"])
def test_google(names: tuple[list[str], list[str]], prefix: str, tmp_path: Path) -> None:
    where = address.parse(f"gs://team{prefix}", tmp_path)
    expression = gcs.expression(where, access(*REFS))
    assert expression.count("&&") + expression.count("||") <= 12
    others, mine = names
    root = f"projects/_/buckets/team/objects{prefix}/"
    assert [name for name in others if not google(expression, root + name)] == []
    assert [name for name in mine if google(expression, root + name)] == []


def test_google_takes_the_condition_as_a_file_with_its_keys(tmp_path: Path, monkeypatch: Any) -> None:
    shell = begin(tmp_path, monkeypatch)
    script = printed(shell, "gs://team/vision", "--role=group:a@b.c", "--pusher=group:d@b.c")
    condition = json.loads(here(script))
    assert condition.keys() == {"title", "description", "expression"}
    assert len(condition["title"]) <= 100
    grants = re.findall(r"add-iam-policy-binding .* --member=(\S+) --role=(\S+) (--condition\S+)", script)
    assert grants == [
        ("group:a@b.c", gcs.VIEWER, "--condition=None"),
        ("group:a@b.c", gcs.CREATOR, "--condition=None"),
        ("group:d@b.c", gcs.VIEWER, "--condition=None"),
        ("group:d@b.c", gcs.CREATOR, '--condition-from-file="$condition"'),
    ]


@pytest.mark.parametrize("prefix", ["", "/vision"])
def test_azure(names: tuple[list[str], list[str]], prefix: str, tmp_path: Path) -> None:
    condition = azure.condition(address.parse(f"az://models{prefix}", tmp_path), access(*REFS))
    others, mine = names
    root = f"{prefix}/".removeprefix("/")
    for action in azure.WRITES:
        assert [name for name in others if not allows(condition, action, root + name)] == []
        assert [name for name in mine if allows(condition, action, root + name)] == []
    assert all(allows(condition, azure.WRITES[0].replace("write", "read"), root + name) for name in mine)


def test_azure_gives_the_condition_to_who_pushes_only(tmp_path: Path, monkeypatch: Any) -> None:
    shell = begin(tmp_path, monkeypatch)
    role, pusher = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
    script = printed(shell, "az://models", f"--role={role}", f"--pusher={pusher}")
    grants = re.findall(r"assignment create .* --assignee (\S+) (.*)--output none", script)
    assert grants == [(role, ""), (pusher, '--condition-version 2.0 --condition "$condition" ')]


@pytest.mark.parametrize("scheme", ["gs", "az"])
def test_a_path_of_several_lines_does_not_end_the_condition(scheme: str, tmp_path: Path, monkeypatch: Any) -> None:
    shell = begin(tmp_path, monkeypatch)
    shell.repository.config.set_remote("origin", {"url": f"{scheme}://models/x%0aCONDITION%0a)%0atouch%20owned%0a"})
    said = shell("remote", "policy", "origin", "--protect=alias:prod")
    assert (said.code, said.out) == (2, ""), said
    assert "its path has characters that a condition cannot have" in said.err


def printed(shell: Shell, place: str, *arguments: str) -> str:
    shell.repository.config.set_remote("origin", {"url": place})
    return shell.ok("remote", "policy", "origin", "--protect=alias:prod", *arguments).out


def here(script: str) -> str:
    """The text of the script's here-document."""
    (text,) = re.findall(r"<<'CONDITION'\n(.*?)\nCONDITION\n", script, re.DOTALL)
    return str(text)


# --- Google: "Attribute reference for IAM Conditions"


def google(expression: str, name: str) -> bool:
    """The value of a conjunction of comparisons of `resource.name.extract(TEMPLATE)` with ""."""
    terms = [re.fullmatch(r'resource\.name\.extract\("([^"\\]*)"\) == ""', term) for term in expression.split(" && ")]
    return all(term is not None and extract(term[1], name) == "" for term in terms)


def extract(template: str, name: str) -> str:
    """What `name` has between the first place of what is before `{…}` and the first of what is after it, else ""."""
    before, after = re.fullmatch(r"([^{}]*)\{[a-z]+\}([^{}]*)", template).groups()  # type: ignore[union-attr]
    _, found, rest = name.partition(before)
    value, ended, _ = rest.partition(after)
    return value if found and ended else ""


# --- Azure: "Azure role assignment condition format and syntax"

_TOKEN = re.compile(
    r"\s*(?:(?P<sign>[()!])|(?P<word>AND|OR)\b|ActionMatches\{'(?P<action>[^']*)'\}"
    r"|@Resource\[(?P<attribute>[^\]]*)\]\s+(?P<operator>StringNotLike)\s+'(?P<value>[^']*)')"
)
_PATH = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path"


def allows(condition: str, action: str, path: str) -> bool:
    """The value of a condition for an action on a blob."""
    tokens, place = [], 0
    while condition[place:].strip():
        token = _TOKEN.match(condition, place)
        assert token is not None, condition[place:]
        tokens.append({key: value for key, value in token.groupdict().items() if value is not None})
        place = token.end()
    value = _any(tokens, action, path)
    assert not tokens
    return value


def _joined(word: str, part: Callable[..., bool]) -> Callable[..., bool]:
    def read(tokens: list[dict[str, str]], action: str, path: str) -> bool:
        values = [part(tokens, action, path)]
        while tokens and tokens[0].get("word") == word:
            tokens.pop(0)
            values.append(part(tokens, action, path))
        return any(values) if word == "OR" else all(values)

    return read


def _one(tokens: list[dict[str, str]], action: str, path: str) -> bool:
    token = tokens.pop(0)
    if token.get("sign") == "!":
        return not _one(tokens, action, path)
    if token.get("sign") == "(":
        value = _any(tokens, action, path)
        assert tokens.pop(0) == {"sign": ")"}
        return value
    if "action" in token:
        return token["action"] == action
    assert token["attribute"] == _PATH
    pattern = "".join(".*" if part == "*" else re.escape(part) for part in re.split(r"(\*)", token["value"]))
    return re.fullmatch(pattern, path) is None


_any = _joined("OR", _joined("AND", _one))
