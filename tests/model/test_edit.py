from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvc import errors
from mvc.model.toml import edit, keys, parse

TEXT = """\
# our detector
[model]
name = "x"   # the key

# what it runs in
[docker]
image = "acme/yolo"   # ours

# how it was trained
[parameters]
# in this order

# sub
[parameters.optim]
lr = 0.1

# the end
"""


def lines_added(text: str, changed: str) -> list[str]:
    """The lines that are in `changed` alone; fails when one of `text` was lost."""
    rest = iter(changed.split("\n"))
    added = []
    for line in text.split("\n"):
        for other in rest:
            if other == line:
                break
            added.append(other)
        else:
            raise AssertionError(line)
    return added + list(rest)


@pytest.mark.parametrize(
    ("key", "value", "added", "after"),
    [
        ("docker.tag", "1.4", ['tag = "1.4"'], 'image = "acme/yolo"   # ours'),
        ("docker.env.A", "1", ['env = { A = "1" }'], 'image = "acme/yolo"   # ours'),
        ("parameters.epochs", 100, ["epochs = 100"], "# in this order"),
        ("parameters.optim.beta", [0.9, 0.99], ["beta = [0.9, 0.99]"], "lr = 0.1"),
        ("parameters.new.deep", True, ["new = { deep = true }"], "# in this order"),
        ("model.description", 'a "b"\n\x7f', ['description = "a \\"b\\"\\n\\u007f"'], 'name = "x"   # the key'),
        ("labelmap.0", "helmet", ["[labelmap]", '0 = "helmet"', ""], ""),
        ('files."best.v2"', "w.pt", ["[files]", '"best.v2" = "w.pt"', ""], ""),
        ("source.experiment.id", "e1", ["[source]", 'experiment = { id = "e1" }', ""], ""),
    ],
)
def test_a_new_key_comes_after_the_keys_and_before_the_comments_that_follow(
    key: str, value: Any, added: list[str], after: str
) -> None:
    changed = edit.set_key(TEXT, key, value)
    assert [line for line in lines_added(TEXT, changed) if line] == [line for line in added if line]
    assert changed.split("\n")[changed.split("\n").index(added[0]) - 1] == after


def test_a_changed_value_keeps_its_comment() -> None:
    assert edit.set_key(TEXT, "docker.image", "b/c") == TEXT.replace('"acme/yolo"   #', '"b/c"   #')


def test_setting_an_equal_value_changes_nothing() -> None:
    assert edit.set_key(TEXT, "docker.image", "acme/yolo") == TEXT


def test_several_keys_are_set_at_once() -> None:
    changed = edit.set_keys("", [(("labelmap", "0"), "a"), (("labelmap", "1"), "b"), (("docker", "tag"), "1")])
    assert changed == '[labelmap]\n0 = "a"\n1 = "b"\n\n[docker]\ntag = "1"\n'


def test_a_value_may_take_the_place_of_a_table() -> None:
    changed = edit.set_key(TEXT, "parameters.optim", "sgd")
    assert tomllib.loads(changed)["parameters"] == {"optim": "sgd"}
    assert "# the end" in changed


def test_a_removed_key_leaves_the_rest() -> None:
    assert edit.unset_key(TEXT, "docker.image") == TEXT.replace('image = "acme/yolo"   # ours\n', "")


def test_comments_after_a_removed_table_stay() -> None:
    changed = edit.unset_key(TEXT, "docker")
    assert changed == TEXT.replace('[docker]\nimage = "acme/yolo"   # ours\n', "")


@pytest.mark.parametrize("key", ["docker.tag", "metrics.a", "labelmap", "parameters.optim.lr.x"])
def test_an_unset_key_cannot_be_removed(key: str) -> None:
    with pytest.raises(errors.NoValue):
        edit.unset_key(TEXT, key)


def test_files_are_added_and_removed() -> None:
    added = edit.add_file(TEXT, "model-latest", "w/best.pt")
    assert added == TEXT + '\n[files]\nmodel-latest = "w/best.pt"\n'
    assert "model-latest" not in edit.remove_file(added, "model-latest")
    with pytest.raises(errors.NoValue):
        edit.remove_file(TEXT, "model-latest")


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("docker.imgae", "x", errors.UnknownKey),
        ("docker.tag", 1, errors.WrongType),
        ("metrics.a", float("nan"), errors.NotFinite),
        ("parameters.optim.lr.x", 1, errors.WrongType),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(key: str, value: Any, error: type[errors.MvcError]) -> None:
    with pytest.raises(error):
        edit.set_key(TEXT, key, value)


def test_broken_text_is_refused_with_its_line() -> None:
    with pytest.raises(errors.BadToml, match="line 2"):
        edit.set_key("a = 1\nb == 1\n", "docker.tag", "1")


FORMS = [
    "",
    "# only this",
    "[docker]",
    '[docker]\nimage = "y"',
    'docker.image = "y"\n',
    'docker = { image = "y" }',
    "docker = {}",
    '[docker.env]\nA = "1"\n',
    '[docker]\nenv = { A = "1" }\n# x',
    '[docker]\nflags = [\n  "a",  # b\n]\n\n[metrics]\n',
    '[parameters.a]\nx = 1\n[docker]\nimage = "y"\n[parameters.b]\ny = 1\n',
    "[parameters]\na.x = 1\n\n# c\n[docker]\n",
    "[parameters]\na = { x = 1 }\n",
    '[parameters]\r\na = 1\r\n\r\n[docker]\r\nimage = "y"\r\n',
    '[[source.datasets]]\nalias = "t"\n\n# c\n[[source.datasets]]\nalias = "v"\n',
    '[source]\nexperiment = { id = "1" }\n[[source.datasets]]\nalias = "t"\n',
    '[source.experiment]\nid = "1"\n\n[intent]\nready_for = []\n',
    '[labelmap]\n0 = "a"\n1 = "b"\n\n\n# c\n\n[metrics]\nm = 1\n',
    '"docker"."image" = "y"\n',
]
ASSIGNMENTS: list[tuple[str, Any]] = [
    ("docker.image", "z"),
    ("docker.tag", "2"),
    ("docker.env.B", "3"),
    ("docker.flags", ["a", "b"]),
    ("parameters.a.x", 2),
    ("parameters.a.z", 3),
    ("parameters.c", {"d": [1, {"e": 2}]}),
    ("parameters.b.y.w", 1),
    ("source.experiment.id", "9"),
    ("source.datasets", [{"alias": "n"}]),
    ("labelmap.1", "q"),
    ("labelmap.2", "r"),
    ("metrics.m", 2.5),
    ("model.name", "n"),
]


@pytest.mark.parametrize("text", FORMS)
@pytest.mark.parametrize(("key", "value"), ASSIGNMENTS)
def test_every_way_to_write_a_table_can_be_changed_and_loses_no_comment(text: str, key: str, value: Any) -> None:
    try:
        changed = edit.set_key(text, key, value)
    except errors.WrongType:
        assert key in {"parameters.b.y.w", "parameters.a.x", "parameters.a.z"}
        return
    found: Any = tomllib.loads(changed)
    for part in keys.parse_key(key):
        found = found[part]
    assert found == value
    if key != "source.datasets":
        assert changed.count("#") == text.count("#") - text.count("# b") * (key == "docker.flags")


@given(st.sampled_from(FORMS), st.lists(st.sampled_from(ASSIGNMENTS), max_size=6), st.data())
def test_a_key_that_was_set_can_be_removed(text: str, assignments: list[tuple[str, Any]], data: st.DataObject) -> None:
    values = parse.load(text.encode(), where="")
    for key, value in assignments:
        try:
            text = edit.set_key(text, key, value)
        except errors.WrongType:
            continue
        if data.draw(st.booleans()):
            text = edit.unset_key(text, key)
            with pytest.raises(errors.NoValue):
                keys.get_value(tomllib.loads(text), keys.parse_key(key))
    assert not values or tomllib.loads(text) is not None


def test_the_text_of_a_new_model_reads_back() -> None:
    text = edit.new_text("helmet \u00e9", model_type="MASK")
    made = parse.parse(text.encode(), where="model.toml")
    assert made.model == {"name": "helmet \u00e9", "type": "MASK"}
    assert edit.set_key(text, "files.w", "w.pt") == text + '\n[files]\nw = "w.pt"\n'


def test_a_change_that_did_not_come_out_right_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edit, "_set", lambda *_: None)
    with pytest.raises(errors.CannotEdit, match="cannot be changed safely"):
        edit.set_key(TEXT, "docker.tag", "1.4")
