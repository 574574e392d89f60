"""What is wrong with the values of a version is listed, with the remedies, before anything is stored."""

from __future__ import annotations

import pytest

from mvc import errors
from mvc.model.manifest import Manifest
from mvc.repository.record import draft


def test_each_broken_rule_is_listed_with_its_remedy() -> None:
    manifest = Manifest({"name": "x"}, docker={"image": "a b", "tag": "c d"})
    with pytest.raises(errors.RulesBroken) as raised:
        draft.check(manifest, "message", allow_secret=False)
    assert raised.value.fields["count"] == 2
    assert str(raised.value.fields["problems"]).splitlines() == [
        "  docker.tag: 'c d' is not a tag (write letters, digits, _ . and -, at most 128)",
        "  docker.image: 'a b' is not the name of an image (write it as acme/yolo)",
    ]


def test_a_remedy_that_is_none_is_left_out() -> None:
    with pytest.raises(errors.RulesBroken) as raised:
        draft.check(Manifest({"name": ""}), "message", allow_secret=False)
    assert "()" not in str(raised.value.fields["problems"])
