"""`@mvc.versioned`: a function that trains, each call of which becomes one version.

@mvc.versioned("helmets")
def train(lr: float, epochs: int = 100):          arguments are the parameters of the version
    ...
    return "best.pt", {"mAP50": 0.71}             its weights, and the metrics measured on them
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar, Unpack, cast

from mvc.training import run as runs
from mvc.training.plan import Options

P = ParamSpec("P")
R = TypeVar("R")


def versioned(model: str | None = None, **options: Unpack[Options]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator of a function that trains `model`: each call is a run, with the options of `mvc.run`.

    The function returns the path of its weights, or `(path, metrics)`, or a mapping with `path` and, if wanted, `metrics`,
    `labelmap`, `files` by role, and other sections of values. Its arguments are the parameters of the version.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            with runs.run(model, parameters=_arguments(function, args, kwargs), **options) as run:
                result = function(*args, **kwargs)
                _take(run, result)
            return result

        return call

    return decorate


def _arguments(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by name, with defaults; none if the call is wrong, which Python says itself."""
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return {}
    bound.apply_defaults()
    return {name: value for name, value in bound.arguments.items() if name != "self"}


def _take(run: runs.Run, result: Any) -> None:
    """Give the run what the function returned."""
    if isinstance(result, str | os.PathLike):
        run.best(result)
    elif isinstance(result, tuple) and len(result) == 2:
        run.best(*result)
    elif isinstance(result, Mapping) and "path" in result:
        given = dict(cast("Mapping[str, Any]", result))
        run.best(given.pop("path"), given.pop("metrics", None), files=given.pop("files", None))
        run.set(**given)
