"""Altering one thing in a repository as its enemy would: the fields of a record, sealed anew so that it is read, or its bytes,
or what its name leads to.

Records are altered as plain JSON: the project's own types would refuse most of it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tomli_w

from mvc.model import canonical
from mvc.model.ids import FileId, digest
from mvc.model.version import Timestamp
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs import packformat
from mvc.storage.packs.metapacks import MetaWriter
from mvc.storage.records import sealed
from mvc.storage.records.journal import FileStep, Journal
from mvc.storage.records.reflog import Move, RefEntry, RefName
from tests.hostile.worlds import World

SEALED = (
    "journal",
    "clone",
    "heads/",
    "merges/",
    "refs/",
    "publishing/",
    "notes/",
    "promised/",
    "expired/",
    "absent/",
    "sparse/",
)
SPECIALS = (
    "link",
    "link to a folder",
    "dangling link",
    "device",
    "pipe",
    "folder",
    "empty",
    "endless",
    "hard link",
    "gone",
)


class Enemy:
    """Draws what is altered from `rng`; `did` says what."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world = world
        self.store = world.root / ".mvc"
        self.rng = rng
        self.did = ""

    def alter(self) -> None:
        """Alter one thing."""
        kinds: tuple[tuple[Callable[[], None], int], ...] = (
            (self._record, 8), (self._journal, 4), (self._object, 4), (self._config, 2), (self._cache, 1), (self._recipe, 1),
            (self._bytes, 2), (self._special, 4), (self._moved, 1), (self._stranger, 1), (self._working_tree, 3),
            (self._remote, 2),
        )  # fmt: skip
        (act,) = self.rng.choices([each for each, _ in kinds], [weight for _, weight in kinds])
        act()

    # --- values

    def path(self) -> str:
        """A path that leads where nothing of the repository is, or to where something of it is."""
        outside, rng = str(self.world.outside), self.rng
        return rng.choice((
            "../x", "../../outside/precious", "../../outside/new", "../" * rng.randint(1, 9) + "x", f"{outside}/precious",
            f"{outside}/new/x", outside, f"{outside}/folder", "linked/precious", "linked/new", "linked", "a/../../../outside/x",
            "weights/../../../outside/precious", "weights/../../../outside/", ".mvc/config.toml", ".mvc/lock", ".git/hooks/x",
            ".mvc", ".git", ".MVC/x", "git~1/x", "", ".", "..", "/", "//", "a//b", "./x", "x/", "a\\b", "nul", "a\0b", "a\nb",
            "\u202e", "x" * 300, "x/" * 100, "weights/best.onnx/x", "weights", "model.toml", "~/x", "$HOME/x", "%2e%2e", "..%2f",
        ))  # fmt: skip

    def value(self) -> Any:
        """Any value that JSON has."""
        rng = self.rng
        if rng.random() < 0.6:
            return self.path()
        return rng.choice((
            None, True, False, 0, 1, -1, 7, (1 << 63) - 1, -(1 << 63), 1.5, -0.0, [], {}, [[]], [None], {"a": 1}, [{}],
            digest(b"nothing"), "0" * 64, "f" * 63, "main", "helmets", "v1", "HEAD", [self.path()], {self.path(): self.path()},
            [self.path(), 1], "heads/main", "remotes/origin/heads", 10 ** rng.randint(1, 18), json.loads("[" * 60 + "]" * 60),
        ))  # fmt: skip

    def altered(self, value: Any) -> Any:
        """`value` with one of its parts altered, the deeper ones too."""
        rng = self.rng
        if isinstance(value, dict) and value and rng.random() < 0.9:
            key = rng.choice(sorted(value))
            draw = rng.random()
            rest = {k: v for k, v in value.items() if k != key}
            if draw < 0.07:
                return rest
            if draw < 0.14:
                return {**value, str(self.path()): self.value()}
            if draw < 0.2:
                return {**rest, str(self.path()): value[key]}
            return {**value, key: self.altered(value[key])}
        if isinstance(value, list) and value and rng.random() < 0.9:
            at = rng.randrange(len(value))
            draw = rng.random()
            if draw < 0.08:
                return value[:at] + value[at + 1 :]
            if draw < 0.16:
                return [*value, value[at]]
            return [*value[:at], self.altered(value[at]), *value[at + 1 :]]
        return self.value()

    # --- records

    def _record(self) -> None:
        names = [name for name in self._files() if name.startswith(SEALED)]
        name = self.rng.choice(names)
        record = json.loads((self.store / name).read_bytes())
        record.pop("sum", None)
        self._seal(name, self.altered(record))

    def _journal(self) -> None:
        """A journal of what an enemy wants; the project's own types write it."""
        rng = self.rng
        file = FileId(rng.choice(self._known_files()))
        steps = tuple(
            FileStep(
                self.path() if rng.random() < 0.7 else "weights/best.onnx", rng.choice((None, file)), rng.random() < 0.5,
                rng.choice((None, file)), rng.choice((None, self.path(), "a.b.0.1.2.c.0")), rng.random() < 0.8,
            )
            for _ in range(rng.randint(1, 3))
        )  # fmt: skip
        journal = Journal("switch", rng.choice(("helmets", self.path())), files=steps)
        record = json.loads(journal.encode())
        del record["sum"]
        if rng.random() < 0.4:
            record["head"] = {"branch": "main", "folder": self.path(), "kind": "head", "v": 1}
        if rng.random() < 0.3:
            ref = RefName("helmets", self.path(), rng.choice(("main", self.path())))
            entry = RefEntry.after(ref, None, None, Move("m", Timestamp(0), "r", "0" * 32))
            record["refs"] = [[ref.kind, ref.name, entry.encode().decode()]]
        if rng.random() < 0.2:
            record["rename"] = self.path()
        if rng.random() < 0.3:
            record = self.altered(record)
        self._seal("journal", record)

    def _object(self) -> None:
        """A version, or its tree or manifest, that is other, with a branch that leads to it."""
        rng = self.rng
        logs = [name for name in self._files() if name.startswith("refs/helmets/heads/")]
        entry = json.loads((self.store / rng.choice(logs)).read_bytes())
        version = self._json(entry["new"])
        if version is None:
            self._bytes()
            return
        part = rng.choice(("tree", "tree", "manifest", "version"))
        if part != "version":
            inner = self._json(version[part])
            if inner is not None:
                version[part] = self._put(self.altered(inner))
        else:
            version = self.altered(version)
        if not isinstance(version, dict):
            return
        name = "main" if rng.random() < 0.7 else "other"
        numbers = len([log for log in logs if log.startswith(f"refs/helmets/heads/{name}/")])
        new = {**entry, "ref": f"heads/{name}", "seq": numbers + 1, "new": self._put(version)}
        del new["sum"]
        self._seal(f"refs/helmets/heads/{name}/{numbers + 1:010d}", new)
        self.did = f"{part} of {name}"

    def _config(self) -> None:
        values = tomllib.loads((self.store / "config.toml").read_text(encoding="utf-8"))
        values.pop("sum")
        urls = {name: remote.pop("url", None) for name, remote in values.get("remote", {}).items()}
        new = (
            self.altered(values)
            if self.rng.random() < 0.7
            else {**values, "branch": {self.path(): {"main": self.value()}}}
        )
        if isinstance(new, dict):
            for name, url in urls.items():  # where a push goes is for the config to say
                if (
                    url is not None
                    and isinstance(new.get("remote", {}), dict)
                    and isinstance(new.get("remote", {}).get(name), dict)
                ):
                    new["remote"][name]["url"] = url
            try:
                new["sum"] = digest(canonical.encode(new))
                self._write("config.toml", tomli_w.dumps(new).encode())
            except Exception:  # noqa: BLE001 - not all that JSON has can be in TOML, and other text is as good
                self._write("config.toml", repr(new).encode("utf-8", "replace"))

    def _cache(self) -> None:
        names = [name for name in self._files() if name.startswith("cache/") and name != "cache/stat"]
        if names and self.rng.random() < 0.5:
            self._bytes(self.rng.choice(names))
            return
        rows = {path: [1, 2, 3, 4, digest(b"x")] for path in ("weights/best.onnx", "model.toml", self.path())}
        body = json.dumps(self.altered({"clock": 0, "files": rows}), separators=(",", ":")).encode()
        self._write("cache/stat", b"2 " + digest(body).encode() + b"\n" + body)

    def _recipe(self) -> None:
        names = [name for name in self._files() if name.startswith("recipes/")]
        if not names:
            self._bytes()
            return
        name = self.rng.choice(names)
        body = _encoded(self.altered(json.loads((self.store / name).read_bytes())))
        (self.store / name).unlink()
        self._write(f"{name.rpartition('/')[0]}/{digest(body)}", body)

    # --- bytes and names

    def _bytes(self, name: str | None = None) -> None:
        name = name or self.rng.choice(self._files())
        data = bytearray((self.store / name).read_bytes())
        draw = self.rng.random()
        if draw < 0.5 and data:
            for _ in range(self.rng.choice((1, 1, 2, 30))):
                data[self.rng.randrange(len(data))] = self.rng.randrange(256)
        elif draw < 0.8:
            del data[self.rng.randint(0, len(data)) :]
        else:
            data += self.rng.randbytes(self.rng.choice((1, 100, 10_000)))
        self._write(name, bytes(data))

    def _special(self, top: Path | None = None) -> None:
        """A link, a pipe and the like in the place of a file or a folder."""
        top = top or self.store
        names = self._files(top)
        folders = sorted(
            {name.rpartition("/")[0] for name in names} | {"tmp", "cache", "packs", "meta", "notes", "publishing"}
        )
        extra = [
            "lock",
            "journal",
            "clone",
            ".",
            "merges/helmets",
            "cache/chunks.sqlite-journal",
            "cache/chunks.sqlite-wal",
        ]
        name = self.rng.choice(self.rng.choice((names, folders, extra)))
        kind = self.rng.choice(SPECIALS)
        self.special(top / name, kind)
        self.did = f"{name or top.name}: {kind}"

    def special(self, path: Path, kind: str) -> None:
        """Put something else where `path` is."""
        outside = self.world.outside
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "link":
            path.symlink_to(outside / "precious")
        elif kind == "link to a folder":
            path.symlink_to(self.rng.choice((outside / "folder", outside, self.world.top / "home")))
        elif kind == "dangling link":
            path.symlink_to(outside / "new")
        elif kind == "device":
            path.symlink_to(self.rng.choice(("/dev/zero", "/dev/tty", "/dev/stdin")))
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        elif kind == "hard link":
            path.hardlink_to(outside / "precious")
        elif kind != "gone":
            path.touch()
            endless = 1 << 40 if self.store in path.parents else 1 << 24  # a file of the working tree may have any size
            os.truncate(path, endless if kind == "endless" else 0)

    def _moved(self) -> None:
        first, second = (self.rng.choice(self._files()) for _ in range(2))
        data = (self.store / first).read_bytes()
        self._write(second, data)
        self.did = f"{first} over {second}"

    def _stranger(self) -> None:
        """A file of a name that mvc does not make, or an entry of another log."""
        rng = self.rng
        folder = rng.choice(("heads", "merges", "refs", "refs/helmets", "refs/helmets/heads", "refs/helmets/heads/main", "objects",
                             "packs", "packs/00", "meta", "tmp", "promised", "recipes", "sparse", "publishing", ""))  # fmt: skip
        name = rng.choice(("%2e%2e", "..%2fx", "%ZZ", "a b", "\n", "-x", "x" * 250, "0000000001", "9999999999", "%2e", "e\u0301",
                           "0" * 64, f"{'0' * 64}.pack", "helmets", ".git", ".mvc", "\u202e"))  # fmt: skip
        data = rng.choice((b"", b"{}", b"x", (self.store / rng.choice(self._files())).read_bytes()))
        self._write(f"{folder}/{name}" if folder else name, data)

    # --- beside the store

    def _working_tree(self) -> None:
        rng, root = self.rng, self.world.root
        draw = rng.random()
        if draw < 0.5:
            path, other = self.path(), self.path()
            files = "\n".join(
                f"{json.dumps(role)} = {json.dumps(value)}" for role, value in {"a": path, other: f"{path}/**"}.items()
            )
            text = f'[model]\nname = "helmets"\n\n[files]\n{files}\n\n[labelmap]\npath = {json.dumps(self.path())}\n'
            (root / "model.toml").write_text(text.replace("\\u0000", ""), encoding="utf-8")
            self.did = f"model.toml: {path!r}, {other!r}"
            return
        name = rng.choice(
            ("model.toml", "weights", "weights/best.onnx", ".mvcignore", "extra", "notes.txt", "out", ".gitignore")
        )
        kind = rng.choice(SPECIALS)
        self.special(root / name, kind)
        self.did = f"{name}: {kind}"

    def _remote(self) -> None:
        origin = self.world.root / ".mvc-origin"
        if not origin.is_dir():
            self._record()
        elif self.rng.random() < 0.5:
            self._special(origin)
        else:
            name = self.rng.choice(self._files(origin))
            data = bytearray((origin / name).read_bytes())
            if name.startswith("refs/"):
                record = json.loads(bytes(data))
                del record["sum"]
                data = bytearray(_sealed(self.altered(record)))
            elif data:
                data[self.rng.randrange(len(data))] ^= 1 << self.rng.randrange(8)
            (origin / name).chmod(0o644)
            (origin / name).write_bytes(data)
            self.did = f"origin: {name}"

    # --- inside

    def _files(self, top: Path | None = None) -> list[str]:
        prefix = f"{os.path.relpath(top or self.store, self.world.root)}/"
        return [name.removeprefix(prefix) for name in self.world.files if name.startswith(prefix)]

    def _known_files(self) -> list[str]:
        found = {name.split("/")[2] for name in self._files() if name.startswith("recipes/")}
        return sorted(found) or [digest(b"none")]

    def _json(self, id_: Any) -> Any:
        """An object that lies loose."""
        try:
            return json.loads((self.store / "objects" / id_[:2] / id_).read_bytes())
        except (FileNotFoundError, TypeError):
            return None

    def _put(self, value: Any) -> str:
        """Store an object, loose or in a metadata pack."""
        body = _encoded(value)
        if self.rng.random() < 0.3:
            door = StoreDoor(self.store)
            writer = MetaWriter(door)
            writer.add(packformat.OBJECT, body)
            writer.finish()
            door.barrier()
        else:
            self._write(f"objects/{digest(body)[:2]}/{digest(body)}", body)
        return digest(body)

    def _seal(self, name: str, record: Any) -> None:
        self._write(name, _sealed(record))
        self.did = f"{name}: {json.dumps(record)[:2_000]}"

    def _write(self, name: str, data: bytes) -> None:
        path = self.store / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        self.did = self.did or name


def _sealed(record: Any) -> bytes:
    try:
        return sealed.seal(record)
    except Exception:  # noqa: BLE001 - what has no seal is an attack too
        return _encoded(record)


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "replace")
