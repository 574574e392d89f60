"""An independent reader of mvc's store, written from docs/reference/format.md: it imports nothing from mvc.

    reader.py STORE                     every name, every version, and the files in it
    reader.py STORE VERSION PATH        the bytes of one file, on standard output; VERSION is an id

Every byte is checked against the id that names it.
"""

import base64
import json
import struct
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from blake3 import blake3
from blocks import decoded

ENTRY = struct.Struct("<Q32sBBBBII32s")  # offset, id, kind, encoding, depth, width, raw size, stored size, base
CHUNK, OBJECT, RECIPE = 0, 1, 2


def check(data: bytes, wanted: str, what: object) -> bytes:
    """The data, if it is what its id says."""
    if blake3(data).hexdigest() != wanted:
        raise SystemExit(f"{what} is damaged")
    return data


class Store:
    """What lies in a store, loose and in packs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.found: dict[tuple[int, str], Any] = {}  # (kind, id) -> entry; small enough here to hold it all
        for path in [*root.glob("packs/*/*.pack"), *root.glob("meta/*.pack")]:
            pack = check(path.read_bytes(), path.stem, path)
            index = pack[int.from_bytes(pack[-56:-48], "little") : -56]
            for at, id_, kind, *how, size, base in ENTRY.iter_unpack(index):
                key = kind, (base if kind == RECIPE else id_).hex()  # recipes by the file they build
                if key not in self.found or how[1] < self.found[key][1][1]:  # of several, the one of least depth
                    self.found[key] = id_.hex(), how, pack[at + 76 : at + 76 + size], base.hex()
        for kind, place, part in ((RECIPE, "recipes/*/*/*", -2), (OBJECT, "objects/*/*", -1)):
            for path in root.glob(place):
                self.found[kind, path.parts[part]] = path.name, (0, 0, 0, 0), path.read_bytes(), ""

    def get(self, kind: int, key: str) -> bytes:
        """The raw bytes of a chunk, an object, or a file's recipe, checked."""
        id_, (encoding, depth, width, size), data, base = self.found[kind, key]
        if encoding:
            data = decoded(data, encoding, width, size, self.get(CHUNK, base) if depth else b"")
        return check(data, id_, id_)

    def object(self, id_: str) -> Any:
        """A version, manifest or tree."""
        return json.loads(self.get(OBJECT, id_))

    def file(self, id_: str) -> bytes:
        """A file's bytes."""
        recipe = json.loads(self.get(RECIPE, id_))
        chunks = [self.get(CHUNK, chunk) for chunk, _ in recipe.get("chunks", [])]
        return check(b"".join(chunks) or base64.b64decode(recipe.get("inline", "")), id_, id_)

    def tips(self) -> dict[str, str]:
        """The version that each name stands for now, by `model/kind/name`: the log's last entry says it."""
        tips = {}
        for path in sorted(self.root.glob("refs/*/*/*/*")):
            entry = json.loads(path.read_bytes())
            sum_, compact = entry.pop("sum"), (",", ":")
            check(json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=compact).encode(), sum_, path)
            tips["/".join(map(unquote, path.parent.parts[-3:]))] = entry["new"]
        return {name: id_ for name, id_ in tips.items() if id_}

    def versions(self) -> dict[str, Any]:
        """Every version that a name leads to, by id, oldest first."""
        found, waiting = dict[str, Any](), list(self.tips().values())
        for id_ in waiting:
            found[id_] = self.object(id_)
            waiting += [parent for parent in found[id_]["parents"] if parent not in waiting]
        return dict(sorted(found.items(), key=lambda item: item[1]["time"]["seconds"]))


def main(root: str, version: str = "", wanted: str = "") -> None:
    """List what is there, or write one file."""
    store = Store(Path(root))
    if wanted:
        files = {entry["path"]: entry["file"] for entry in store.object(store.object(version)["tree"])["entries"]}
        sys.stdout.buffer.write(store.file(files[wanted]))
        return
    print(*(f"{tip[:10]} {name}" for name, tip in sorted(store.tips().items())), sep="\n")
    for id_, found in store.versions().items():
        print(f"\n{id_} v{found['number']} of {store.object(found['manifest'])['model']['name']}: {found['message']}")
        for entry in store.object(found["tree"])["entries"]:
            print(f"    {entry['role']:16} {entry['size']:>9,} {entry['path']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
