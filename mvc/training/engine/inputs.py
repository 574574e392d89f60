"""What a training gave to its run so far: weights, files, values and its log; a version is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mvc import errors
from mvc.api.session import PathLike
from mvc.model import labelmap as labelmaps
from mvc.model.paths import check_path, escape_name
from mvc.model.toml import rules
from mvc.training import messages
from mvc.training.engine import values
from mvc.training.engine.contents import Contents
from mvc.training.engine.values import Report
from mvc.training.engine.weights import Selection, Weights, regular
from mvc.training.plan import OPTIMIZER, SECTIONS, Plan


class Inputs:
    """The inputs of one run. Values that do not fit are reported to `left_out`."""

    def __init__(self, plan: Plan) -> None:
        """Start without any."""
        self.plan = plan
        self._sections: dict[str, Any] = {}
        self._metrics: dict[str, float] = {}
        self._epoch: float | None = None
        self._count = 0
        self.selection = Selection(plan.every)
        self.files: dict[str, Path] = {}
        self._names: dict[str, str] = {}

    @property
    def is_due(self) -> bool:
        """Whether weights that were given now are recorded meanwhile; without epochs, they are counted."""
        return self.selection.is_due(self._epoch if self._epoch is not None else self._count)

    @property
    def moment(self) -> str:
        """The epoch that was logged last, else how many weights were given so far."""
        return f"epoch {self._epoch:g}" if self._epoch is not None else f"weights {self._count} of the run"

    def row(self, metrics: Mapping[str, Any], epoch: Any, step: Any, left_out: Report) -> dict[str, float]:
        """Return a row of the training log; it has the numbers among `metrics`, also those that are not finite."""
        numbers = {values.named(key): values.number(value) for key, value in metrics.items()}
        for key in (key for key, value in numbers.items() if value is None or not key):
            left_out(f"metric {key}" if key else "a metric", "it is not a number with a name")
        self._metrics = {key: value for key, value in numbers.items() if key and value is not None}
        where = {"epoch": values.number(epoch), "step": values.number(step)}
        known = {key: value for key, value in where.items() if value is not None}
        self._epoch = known.get("epoch", self._epoch)
        return {**self._metrics, **known}

    def weights(
        self, path: PathLike, metrics: Mapping[str, Any], files: Mapping[str, PathLike], left_out: Report
    ) -> Weights:
        """Return weights with their finite metrics, by default those logged last. Raises NoSuchFile and the like."""
        self._count += 1
        measured = values.metrics(metrics or self._metrics, left_out)
        found: dict[str, Path] = {}
        for role, file in files.items():
            try:
                self._add(found, role, file)
            except errors.MvcError as error:
                left_out(f"file {values.named(role)}", error.message)
        return Weights.of(path, measured, found)

    def add_file(self, role: str, path: PathLike, name: str | None = None) -> None:
        """Add a file, unless it is the optimizer's state and nobody asked for it; `name` is its path in the version.

        Raises BadRole, UnsafePath, NoSuchFile and the like.
        """
        if name is not None:
            check_path(name)
        self._add(self.files, role, path)
        if name is not None:
            self._names[role] = name

    def _add(self, found: dict[str, Path], role: str, path: PathLike) -> None:
        fault = rules.role_fault(role)
        if fault:
            raise errors.BadRole(role=escape_name(role), reason=fault)
        if role != OPTIMIZER or self.plan.optimizer:
            found[role] = regular(path)

    def set(self, name: str, given: Any, left_out: Report) -> None:
        """Add the values of a section; a labelmap replaces the one before. Raises UnknownKey."""
        if name not in SECTIONS:
            raise errors.UnknownKey(key=name, suggestion=f"The sections are {', '.join(SECTIONS)}.")
        if name == "labelmap":
            self._set_labelmap(given, left_out)
        elif given is not None:
            known = self._sections.get(name, {})
            self._sections[name] = {**known, **values.section(name, given, left_out)}

    def contents(self, weights: Weights | None, own: Mapping[str, Path]) -> Contents:
        """Return what a version with these weights consists of; `own` are the files that the run itself wrote."""
        files = {**own, **self.files}
        if weights is not None:
            files = {**files, self.plan.role: weights.path, **weights.files}
        metrics = {**self._sections.get("metrics", {}), **(weights.metrics if weights is not None else {})}
        text = self.plan.message or messages.of_run(self.plan.name, metrics)
        names = {role: name for role, name in self._names.items() if files.get(role) == self.files.get(role)}
        given = weights.given if weights is not None else {}
        return Contents(files, {**self._sections, "metrics": metrics}, text, names, given)

    def _set_labelmap(self, given: Any, left_out: Report) -> None:
        found = values.labels(given, left_out)
        if found is not None:
            self._sections["labelmap"] = found
            if labelmaps.gaps(tuple(found.items())):
                self.set("about", {"labelmap_sparse": True}, left_out)
