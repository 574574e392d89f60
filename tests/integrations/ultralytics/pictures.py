"""A data set of a few pictures, each with a bright square to be found."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image

SIZE = 64


def write(folder: Path, count: int = 6) -> Path:
    """Write the pictures and their labels, and return the path of data.yaml."""
    rng = random.Random(7)
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        edge = rng.randrange(24, 40)
        left, top = rng.randrange(SIZE - edge), rng.randrange(SIZE - edge)
        picture = Image.new("RGB", (SIZE, SIZE), (20, 30, 40))
        picture.paste((250, 220, 30), (left, top, left + edge, top + edge))
        picture.save(folder / "images" / f"{number}.png")
        box = [(left + edge / 2) / SIZE, (top + edge / 2) / SIZE, edge / SIZE, edge / SIZE]
        (folder / "labels" / f"{number}.txt").write_text(f"0 {' '.join(map(str, box))}\n", encoding="utf-8")
    description = folder / "data.yaml"
    text = f"path: {folder}\ntrain: images\nval: images\nnames:\n  0: helmet\n  1: head\n"
    description.write_text(text, encoding="utf-8")
    return description
