"""Deferred dataclasses are the standard ones in all that can be seen of them."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import pkgutil
import subprocess
import sys
from dataclasses import field
from typing import Any, ClassVar

import pytest

import mvc
from mvc import deferred, lazy
from mvc.model.version import Person, Timestamp


class _Plain:
    KIND: ClassVar[str] = "plain"
    name: str
    sizes: list[int] = field(default_factory=list)
    note: str | None = field(default=None, compare=False)
    at: int = 3
    kept: int | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        assert self.at != 0, "checked"


class _Equal:
    name: str

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


OPTIONS: list[dict[str, bool]] = [
    {"frozen": True, "slots": True},
    {"frozen": True, "slots": True, "order": True},
    {"frozen": True, "slots": True, "repr": False},
    {"frozen": True, "slots": True, "eq": False},
    {"frozen": True},
    {"slots": True},
    {},
]
SEEN = ("__repr__", "__eq__", "__hash__", "__lt__", "__match_args__", "__slots__", "__getstate__")


def _copy(cls: type) -> Any:
    body = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    return type(cls.__name__, cls.__bases__, body)


def _shape(cls: Any) -> Any:
    own = {name: name in vars(cls) and vars(cls)[name] is not None for name in SEEN}
    slots = vars(cls).get("__slots__")
    fields = [(each.name, each.default, each.compare, each.init) for each in dataclasses.fields(cls)]
    defaults = {name: value for name, value in vars(cls).items() if name in ("KIND", "at", "note", "sizes", "kept")}
    kept = {name: value for name, value in defaults.items() if not inspect.ismemberdescriptor(value)}
    return own, slots, fields, kept, inspect.signature(cls), cls.__match_args__, repr(cls.__dataclass_params__)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("body", [_Plain, _Equal])
def test_a_class_has_what_the_standard_decorator_gives(body: type, options: dict[str, bool]) -> None:
    ours: Any = deferred.dataclass(**options)(_copy(body))
    standard: Any = dataclasses.dataclass(**options)(_copy(body))
    assert _shape(ours) == _shape(standard)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_an_object_behaves_as_that_of_a_standard_class(options: dict[str, bool]) -> None:
    def seen(cls: Any) -> Any:
        one, other = cls("a", [1], "x"), cls("a", [1], note="y")
        changed = dataclasses.replace(one, name="b")
        with pytest.raises(AssertionError, match="checked"):
            cls("a", at=0)
        with pytest.raises(TypeError):
            cls()
        try:
            one.name = "c"
            renamed = True
        except dataclasses.FrozenInstanceError:
            renamed = False
        assert one.kept is None
        return one == other, one == changed, changed.name, dataclasses.asdict(other), copy.copy(other).note, renamed

    ours = deferred.dataclass(**options)(_copy(_Plain))
    standard = dataclasses.dataclass(**options)(_copy(_Plain))
    assert seen(ours) == seen(standard)


def test_a_method_is_made_once_and_through_a_subclass_too() -> None:
    made: Any = deferred.dataclass(frozen=True, slots=True)(_copy(_Plain))

    class Below(made):  # type: ignore[misc]
        __slots__ = ()

        def __init__(self, name: str) -> None:
            made.__init__(self, name.upper())

    assert Below("a").name == "A"
    assert vars(made)["__init__"] is vars(made)["__init__"]
    assert inspect.isfunction(vars(made)["__init__"])
    assert not inspect.isfunction(vars(made)["__repr__"])  # nobody has asked for it


def test_values_order_and_survive_a_pickle() -> None:
    early, late = Timestamp(1, 0), Timestamp(2, 0)
    assert sorted([late, early]) == [early, late]
    assert pickle.loads(pickle.dumps(early)) == early
    assert len({Person("Ana", "a@b.c"), Person("Ana", "a@b.c")}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError, match="seconds"):
        early.seconds = 3  # type: ignore[misc]


def test_each_method_of_each_class_can_be_made() -> None:
    """What the standard decorator refuses, such as a field without a default after one with, it refuses here."""
    for module in pkgutil.walk_packages(mvc.__path__, "mvc."):
        if module.name.startswith(("mvc.__main__", "mvc.training", "mvc.registry.picsellia", "mvc.formats.hdf5_child")):
            continue  # they import a trainer or the SDK
        for cls in vars(lazy.load(module.name)).values():
            if isinstance(cls, type) and cls.__module__ == module.name:
                names = [name for name, value in vars(cls).items() if isinstance(value, deferred._Placeholder)]
                assert all(getattr(cls, name) is not None for name in names), cls


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="the standard decorator is used")
def test_no_method_is_compiled_at_import() -> None:
    code = "import mvc.model.version as v, mvc.deferred as d; print(sum(isinstance(x, d._Placeholder) for x in vars(v.Version).values()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) >= 7
