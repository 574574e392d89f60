"""Whatever bytes an object holds, decoding gives a value of that kind or says that it is none."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvc import errors
from mvc.model import canonical
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree
from mvc.model.version import Version
from tests.model.strategies import JSON, manifests, trees, versions

KINDS: dict[str, tuple[st.SearchStrategy[Any], Callable[[bytes], Any]]] = {
    "version": (versions(), Version.decode),
    "manifest": (manifests(), Manifest.decode),
    "tree": (trees(ext=True), Tree.decode),
}


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in a value with each of its keys."""
    if isinstance(value, dict | list):
        keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
        return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]
    return []


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_an_object_with_one_part_replaced_is_another_value_or_refused(kind: str, data: st.DataObject) -> None:
    strategy, decode = KINDS[kind]
    record = copy.deepcopy(canonical.decode(data.draw(strategy).encode()))
    container, key = data.draw(st.sampled_from(places(record)))
    other = data.draw(JSON)
    if data.draw(st.booleans()):
        container[key] = other
    elif isinstance(container, dict):
        del container[key]
    encoded = canonical.encode(record)
    try:
        found = decode(encoded)
    except errors.NotCanonical:
        return
    assert found.encode() == encoded


@pytest.mark.parametrize("kind", KINDS)
@given(JSON)
def test_any_other_document_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(errors.NotCanonical):
        KINDS[kind][1](canonical.encode(value))
