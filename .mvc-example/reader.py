"""An independent reader of mvc's store, written from docs/format.md: it imports nothing from mvc.

    reader.py STORE                     every name, every version, and the files in it
    reader.py STORE VERSION PATH        the bytes of one file, on standard output; VERSION is an id

Every byte is checked against the id that names it. Chunks kept as byte planes or deltas are refused by name.
"""

import base64
import json
import struct
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from blake3 import blake3

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

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
        self.packed: dict[tuple[int, str], bytes] = {}  # (kind, id) -> bytes; small enough here to hold it all
        for path in [*root.glob("packs/*/*.pack"), *root.glob("meta/*.pack")]:
            pack = check(path.read_bytes(), path.stem, path)
            index = pack[int.from_bytes(pack[-56:-48], "little") : -56]
            for at, raw_id, kind, encoding, *_, stored, base in ENTRY.iter_unpack(index):
                if encoding > 1:
                    raise SystemExit(f"{raw_id.hex()} has encoding {encoding}, which this reader does not know")
                data, id_ = pack[at + 76 : at + 76 + stored], raw_id.hex()
                data = check(zstd.decompress(data) if encoding else data, id_, id_)
                self.packed[kind, base.hex() if kind == RECIPE else id_] = data  # recipes by the file they build
        for path in root.glob("recipes/*/*/*"):
            self.packed[RECIPE, path.parent.name] = check(path.read_bytes(), path.name, path)

    def object(self, id_: str) -> dict[str, Any]:
        """A version, manifest or tree."""
        path = self.root / "objects" / id_[:2] / id_
        data = check(path.read_bytes() if path.exists() else self.packed[OBJECT, id_], id_, path)
        return dict(json.loads(data))

    def file(self, id_: str) -> bytes:
        """A file's bytes."""
        recipe = json.loads(self.packed[RECIPE, id_])
        chunks = [self.packed[CHUNK, chunk] for chunk, _ in recipe.get("chunks", [])]
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

    def versions(self) -> dict[str, dict[str, Any]]:
        """Every version that a name leads to, by id, oldest first."""
        found, waiting = dict[str, dict[str, Any]](), list(self.tips().values())
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
