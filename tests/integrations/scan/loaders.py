"""`torch.load` and `joblib.load` of every file of a folder: `python loaders.py FOLDER` prints the payloads that ran."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import warnings
from functools import partial
from pathlib import Path

import joblib
import torch

LOADERS = {"torch": partial(torch.load, weights_only=False), "joblib": joblib.load}


def main(top: Path) -> None:
    """Load each file in a folder of its own, in which its payload makes a file."""
    warnings.simplefilter("ignore")
    place = top / "place"
    for name, load in LOADERS.items():
        for path in sorted(top.glob("*.bin")):
            place.mkdir()
            os.chdir(place)
            with contextlib.suppress(BaseException):  # what runs may raise
                load(str(path))
            if any(place.iterdir()):
                print(f"{name}:{path.stem}", flush=True)
            os.chdir(top)
            shutil.rmtree(place)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
