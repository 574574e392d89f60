"""Honest files that PyTorch, scikit-learn and joblib write: `python honest.py FOLDER`."""

from __future__ import annotations

import argparse
import collections
import contextlib
import datetime as dt
import pickle
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

RNG = np.random.RandomState(1)


class Tagged(torch.Tensor):  # type: ignore[misc]
    """A tensor of a class of its own."""


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8, 4)).eval()


def tensors() -> dict[str, Any]:
    """Objects without classes of their own, by name."""
    net = network()
    optimizer = torch.optim.AdamW(net.parameters())
    net(torch.rand(1, 3, 3, 3)).sum().backward()
    optimizer.step()
    base, tagged = torch.rand(10), torch.rand(2)
    tagged.tag = "a"
    found: dict[str, Any] = {
        "state": net.state_dict(), "optimizer": optimizer.state_dict(), "random": [torch.get_rng_state(), RNG.get_state()],
        "sparse": torch.eye(3).to_sparse(), "csr": torch.eye(3).to_sparse_csr(), "parameter": nn.Parameter(base),
        "quantised": torch.quantize_per_tensor(base, 0.1, 0, torch.qint8), "views": {"a": base[2:5], "b": base},
        "meta": torch.rand(3, device="meta"), "nested": torch.nested.nested_tensor([torch.rand(2), torch.rand(3)]),
        "size": {"s": torch.Size([1, 2]), "d": torch.device("cpu"), "t": torch.float32, "l": torch.strided},
        "attribute": tagged, "conjugate": torch.rand(3, dtype=torch.complex64).conj(), "storage": base.untyped_storage(),
        "dicts": collections.OrderedDict(a=base), "number": 3,
    }  # fmt: skip
    for dtype in (
        torch.float16,
        torch.bfloat16,
        torch.int8,
        torch.bool,
        torch.complex64,
        torch.float8_e4m3fn,
        torch.uint16,
    ):
        found[f"dtype {dtype}"] = torch.zeros(4).to(dtype)
    return found


def main(top: Path) -> None:
    """Write files: `plain-`, `data-` and `code-` are the verdicts that they should have, by the beginnings of their names."""
    for name, value in tensors().items():
        torch.save(value, top / f"plain-{name}.pt")
        with contextlib.suppress(Exception):  # some need the newer form
            torch.save(value, top / f"plain-{name}-legacy.pt", _use_new_zipfile_serialization=False)
    for protocol in (2, 3, 4, 5):
        torch.save(network().state_dict(), top / f"plain-protocol{protocol}.pt", pickle_protocol=protocol)
        (top / f"plain-tensor{protocol}.pkl").write_bytes(pickle.dumps(torch.rand(5), protocol))
    torch.save(
        {"args": argparse.Namespace(lr=1, path=Path("a")), "at": dt.datetime(2026, 11, 30, tzinfo=dt.UTC)},
        top / "data-run.pt",
    )
    torch.save({"version": torch.__version__}, top / "data-version.pt")
    torch.save(network(), top / "code-module.pt")
    torch.save(network(), top / "code-module-legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(torch.rand(3).as_subclass(Tagged), top / "code-subclass.pt")
    torch.jit.script(network()).save(top / "code-script.pt")
    _arrays(top)
    _models(top)


def _arrays(top: Path) -> None:
    arrays = {
        "numbers": RNG.rand(1000), "dict": {"x": np.arange(10), "y": [np.ones((2, 2), order="F"), "t"]},
        "objects": np.array([1, "a", None], object), "fields": np.zeros(3, [("a", "f4"), ("b", "O")]),
        "texts": np.array(["a", "bb"]), "empty": np.zeros(0), "subarrays": np.zeros(3, [("b", "i8", (2,))]),
        "dates": np.array(["2020-01-01"], "M8[D]"),
    }  # fmt: skip
    for name, array in arrays.items():
        for protocol in (2, 3, 4, 5):
            joblib.dump(array, top / f"plain-{name}{protocol}.joblib", protocol=protocol)
        joblib.dump(array, top / f"plain-{name}.z.joblib", compress=("zlib", 9))


def _models(top: Path) -> None:
    x, y = RNG.rand(60, 4), np.arange(60) % 2
    models = {
        "forest": RandomForestClassifier(5).fit(x, y),
        "boosted": GradientBoostingClassifier(n_estimators=5).fit(x, y),
        "pipeline": make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y),
    }
    for name, model in models.items():
        for suffix in ("joblib", "joblib.gz", "joblib.xz", "joblib.bz2"):
            joblib.dump(model, top / f"code-{name}.{suffix}")
        (top / f"code-{name}.pkl").write_bytes(pickle.dumps(model))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
