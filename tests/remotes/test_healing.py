"""A remote that lost or damaged files is healed by somebody who has their contents, with a key that may only create."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.model.ids import PackId, digest
from mvc.porcelain import gc_remote as verb
from mvc.porcelain.fsck_remote import survey
from mvc.porcelain.heal import heal
from mvc.remotes import hints
from mvc.remotes.backends import address, connect
from mvc.remotes.backends.backend import Backend
from mvc.remotes.inventory import Inventory
from mvc.remotes.remote import Remote
from mvc.storage.records.reflog import RefEntry, Seen
from tests.cli.shell import Shell, begin
from tests.remotes.backends import PLACES, Place
from tests.remotes.clones import MAIN, WEIGHTS, Weights, clone, folder, push_main, remote_on, set_origin
from tests.remotes.errands import small
from tests.remotes.hostile import pack
from tests.remotes.strict import PutOnly

Harm = Callable[[bytes], bytes | None]


def _flip(data: bytes) -> bytes:
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


HARMS: dict[str, Harm] = {
    "lost": lambda _: None,
    "flipped": _flip,
    "cut": lambda data: data[:-100],
    "longer": lambda data: data + b"x",
    "of-nothing": lambda _: b"x",
}
FOLDERS = {"packs": ("packs",), "meta": ("meta",), "both": ("packs", "meta")}


class Shared:
    """A remote of Ana's, who has all of it, and may only create there; `backend` is its owner's way in."""

    def __init__(self, top: Path, monkeypatch: Any, rng: random.Random, place: Place) -> None:
        """Take what is made in `top`, for the remote at `place`."""
        self.top, self.patch, self.place = top, monkeypatch, place
        small(monkeypatch)
        url, options = place
        self.backend = connect.connect(address.parse(url, top), options)
        self.ana = Shell(top / "ana", monkeypatch)
        self.weights = Weights(self.ana, rng, layers=1, width=64)
        set_origin(self.ana, place)
        self._clones = 0

    def begin(self) -> None:
        """Two versions, pushed one by one."""
        self.ana.commit("one")
        self.ana.ok("push")
        self.weights.train()
        self.ana.commit("two")
        self.ana.ok("push")

    def create_only(self) -> None:
        """From here on Ana may only create."""
        self.files = (self.ana.folder / WEIGHTS).read_bytes()
        real = connect.connect
        self.patch.setattr(connect, "connect", lambda *given: PutOnly(real(*given)))

    @property
    def owner(self) -> Remote:
        return remote_on(self.backend)

    def names(self, *folders: str) -> list[str]:
        return sorted(each.name for top in folders for each in self.backend.list(top) if each.name.endswith(".pack"))

    def harm(self, names: list[str], harm: Harm) -> None:
        for name in names:
            data = harm(self.backend.read(name, 1 << 26))
            self.backend.delete([name])
            if data is not None:
                self.write(name, data)

    def write(self, name: str, data: bytes) -> None:
        source = self.top / "bytes"
        source.write_bytes(data)
        self.backend.put(name, source)

    def snapshot(self) -> dict[str, bytes]:
        return {each.name: self.backend.read(each.name, 1 << 26) for each in self.backend.list("")}

    def clone(self, *options: str) -> Shell:
        self._clones += 1
        return clone(self.top, self.patch, f"clone-{self._clones}", *options, place=self.place)

    def is_whole(self) -> None:
        """A fresh clone gets both versions, and nothing is found wrong."""
        shell = self.clone()
        assert (shell.folder / WEIGHTS).read_bytes() == self.files
        shell.ok("switch", "--detach", "v1")
        assert "No problems found" in shell.ok("fsck", "--remote", "origin", "--read-data").out
        assert "No problems found" in shell.ok("fsck", "--remote", "origin").out


@pytest.fixture(scope="module")
def _begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ana's repository and her remote, to be copied."""
    top = tmp_path_factory.mktemp("begun")
    with pytest.MonkeyPatch.context() as patch:
        _new(top, patch, random.Random(5), (str(top / "origin"), {})).begin()
    return top


def _new(top: Path, monkeypatch: Any, rng: random.Random, place: Place) -> Shared:
    (top / "ana").mkdir()
    begin(top / "ana", monkeypatch)
    return Shared(top, monkeypatch, rng, place)


@pytest.fixture
def shared(_begun: Path, tmp_path: Path, monkeypatch: Any, rng: random.Random) -> Iterator[Shared]:
    shutil.copytree(_begun, tmp_path, dirs_exist_ok=True)
    files = (tmp_path / "ana" / WEIGHTS).read_bytes()
    place = Shared(tmp_path, monkeypatch, rng, (str(tmp_path / "origin"), {}))
    place.ana.write(WEIGHTS, files)
    place.ana.tick(10 * 86_400)
    place.create_only()
    yield place
    place.backend.close()


@pytest.fixture
def at_s3(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: Any, rng: random.Random) -> Iterator[Shared]:
    place = _new(tmp_path, monkeypatch, rng, PLACES["s3"](request, tmp_path))
    place.begin()
    place.create_only()
    yield place
    place.backend.close()


def _is_healed(place: Shared, folders: tuple[str, ...], harm: Harm, *repair: str) -> None:
    place.harm(place.names(*folders), harm)
    before = place.snapshot()
    said = place.ana("fsck", "--remote", "origin", "--read-data")
    assert said.code == 14, said
    place.ana.ok(*repair)
    after = place.snapshot()
    assert {name: after.get(name) for name in before} == before, "nothing is overwritten or removed"
    place.is_whole()


@pytest.mark.parametrize("folders", FOLDERS)
@pytest.mark.parametrize("harm", HARMS)
def test_what_was_lost_or_damaged_is_sent_again(shared: Shared, folders: str, harm: str, *, deep: bool) -> None:
    if not deep and folders != "both" and harm not in ("lost", "flipped"):
        pytest.skip("with --deep")
    repair = ("push", "--repair") if folders == "packs" else ("fsck", "--remote", "origin", "--repair")
    _is_healed(shared, FOLDERS[folders], HARMS[harm], *repair)


def test_what_a_bucket_lost_or_damaged_is_sent_again(at_s3: Shared) -> None:
    at_s3.harm(at_s3.names("packs", "meta")[::2], HARMS["lost"])
    _is_healed(at_s3, FOLDERS["both"], _flip, "push", "--repair")


def test_a_damaged_metadata_pack_is_noticed_by_who_has_it_here(shared: Shared) -> None:
    shared.harm(shared.names("meta"), _flip)
    said = shared.ana("fsck", "--remote", "origin")
    assert said.code == 14, said
    assert "meta/" in said.out
    failed = Shell(shared.top, shared.patch)("clone", str(shared.top / "origin"), "carl")
    assert failed.code == 14, failed
    assert "push --repair" in failed.err


def test_what_was_sent_again_and_damaged_again_is_sent_again(shared: Shared) -> None:
    for harm in (_flip, HARMS["cut"], _flip):
        _is_healed(shared, ("packs", "meta"), harm, "fsck", "--remote", "origin", "--repair")


def test_who_lacks_it_says_so_and_changes_nothing_that_works(shared: Shared, rng: random.Random) -> None:
    ben = shared.clone()
    shared.ana.write("more.bin", rng.randbytes(50_000))
    shared.ana.ok("add", "more.bin", "--as", "more")
    shared.ana.commit("three")
    before = shared.names("packs")
    shared.ana.ok("push")
    shared.harm([name for name in shared.names("packs") if name not in before], _flip)
    said = ben("fsck", "--remote", "origin", "--repair")
    assert said.code == 14, said
    assert "more.bin" in said.out
    shared.ana.ok("push", "--repair")
    ben.ok("pull")
    assert (ben.folder / "more.bin").read_bytes() == (shared.ana.folder / "more.bin").read_bytes()


def test_without_hints_a_reader_takes_the_other_pack(shared: Shared) -> None:
    shared.harm(shared.names("packs"), _flip)
    shared.ana.ok("push", "--repair")
    shared.backend.delete([each.name for each in shared.backend.list(hints.FOLDER)])
    assert (shared.clone().folder / WEIGHTS).read_bytes() == shared.files


def test_a_pack_that_is_half_whole_gives_what_only_it_has(shared: Shared, rng: random.Random) -> None:
    """A damaged pack, whose damaged chunk is elsewhere too: the rest of it is read from it, hinted or not."""
    shared.ana.write("a.bin", rng.randbytes(90_000))
    shared.ana.write("b.bin", rng.randbytes(90_000))
    shared.ana.ok("add", "a.bin", "b.bin")
    before = shared.names("packs")
    shared.ana.commit("three")
    shared.ana.ok("push")
    (name,) = (each for each in shared.names("packs") if each not in before)
    whole = shared.backend.read(name, 1 << 26)
    shared.harm([name], _flip)
    shared.ana.ok("push", "--repair")
    (again,) = (
        each for each in shared.names("packs") if each not in before and each != name and _has(shared, each, 1000)
    )
    # at another place than in the first one
    shared.harm([again], lambda data: data[:1000] + bytes([data[1000] ^ 1]) + data[1001:])
    first, second = shared.backend.read(name, 1 << 26), shared.backend.read(again, 1 << 26)
    assert first != whole
    assert digest(second) not in again
    ben = shared.clone()
    for file in ("a.bin", "b.bin"):
        assert (ben.folder / file).read_bytes() == (shared.ana.folder / file).read_bytes()


def _has(shared: Shared, name: str, size: int) -> bool:
    return len(shared.backend.read(name, 1 << 26)) > size


# --- hints that are wrong


def _hint_everything(shared: Shared) -> None:
    move = shared.ana.actor.move("mallory")
    for name in shared.names("packs", "meta"):
        hints.leave(shared.backend, PackId(name.rpartition("/")[2].removesuffix(".pack")), move)


def test_hints_of_good_packs_harm_nobody(shared: Shared) -> None:
    ben = shared.clone("--meta")  # has no bytes of files
    _hint_everything(shared)
    shared.is_whole()
    ben.set(parameters__epochs=7)
    ben.commit("three")
    ben.ok("push")
    shared.ana.ok("pull")
    shared.weights.train()
    shared.ana.commit("four")
    shared.ana.ok("push")
    ben.ok("pull")
    assert (shared.clone().folder / WEIGHTS).read_bytes() == (shared.ana.folder / WEIGHTS).read_bytes()


@pytest.mark.parametrize(
    "name", ["meta/damaged/x.damaged", "meta/damaged/" + "a" * 64, "meta/damaged/" + "0" * 64 + ".damaged"]
)
def test_rubbish_among_the_hints_harms_nobody(shared: Shared, name: str) -> None:
    shared.write(name, b"rubbish")
    shared.is_whole()


# --- collections


@pytest.fixture
def _logs_keep_nothing(monkeypatch: Any) -> None:
    monkeypatch.setattr(verb, "ENTRIES", 0)
    monkeypatch.setattr(verb, "DAYS", -1)


def _collect(shared: Shared) -> list[str]:
    """What three collections in a row remove."""
    before = set(shared.names("packs", "meta"))
    for _ in range(3):
        verb.gc_remote(shared.ana.repository, shared.owner, shared.ana.actor, grace=0)
    return sorted(before - set(shared.names("packs", "meta")))


def test_a_damaged_pack_goes_once_it_is_replaced_and_its_hint_after_it(shared: Shared) -> None:
    damaged = shared.names("packs", "meta")
    shared.harm(damaged, _flip)
    shared.ana.ok("push", "--repair")
    assert set(damaged) <= set(_collect(shared))
    assert not list(shared.backend.list(hints.FOLDER))
    shared.is_whole()


def test_a_damaged_pack_stays_while_what_is_whole_in_it_is_nowhere_else(shared: Shared) -> None:
    damaged = shared.names("packs")
    shared.harm(damaged, lambda data: data[:-1] + b"y")  # its last byte: every chunk can be read
    _hint_everything(shared)
    assert not _collect(shared)
    assert (shared.clone().folder / WEIGHTS).read_bytes() == shared.files


def test_a_replacement_that_is_damaged_too_keeps_the_first_pack(shared: Shared) -> None:
    damaged = shared.names("packs")
    shared.harm(damaged, lambda data: data[:-1] + b"y")
    shared.ana.ok("push", "--repair")
    shared.harm([each for each in shared.names("packs") if each not in damaged], _flip)
    assert not set(damaged) & set(_collect(shared))
    assert (shared.clone().folder / WEIGHTS).read_bytes() == shared.files


def test_a_good_pack_that_a_hint_names_stays_and_the_hint_goes(shared: Shared) -> None:
    _hint_everything(shared)
    assert not _collect(shared)
    assert not list(shared.backend.list(hints.FOLDER))
    shared.is_whole()


def test_what_a_damaged_merged_pack_stands_for_is_not_removed(shared: Shared, monkeypatch: Any) -> None:
    """The collector has the merged pack in its cache, so that only the remote's copy tells."""
    monkeypatch.setattr("mvc.remotes.compaction.MANY", 1)
    shared.weights.train()
    shared.ana.commit("three")
    shared.ana.ok("push")
    merged = [name for name in shared.names("meta") if "merged" in name]
    assert merged
    Inventory(shared.ana.repository, shared.backend, 1)
    shared.harm(merged, _flip)
    _collect(shared)
    assert (shared.clone().folder / WEIGHTS).read_bytes() == (shared.ana.folder / WEIGHTS).read_bytes()


# --- refs, and the record of the format


def test_an_entry_that_was_lost_from_the_middle_of_a_log_is_created_again(shared: Shared) -> None:
    name = MAIN.path(1)
    before = shared.backend.read(name, 1 << 16)
    shared.backend.delete([name])
    assert shared.ana("fsck", "--remote", "origin").code == 14
    shared.ana.ok("push", "--repair")
    assert shared.backend.read(name, 1 << 16) == before
    shared.is_whole()


def test_an_entry_that_is_damaged_is_reported_and_stays(shared: Shared) -> None:
    shared.harm([MAIN.path(1)], _flip)
    said = shared.ana("fsck", "--remote", "origin", "--repair")
    assert said.code == 14, said
    assert MAIN.path(1) in said.out


def test_an_entry_that_is_damaged_is_created_again_once_its_owner_removed_it(shared: Shared) -> None:
    shared.harm([MAIN.path(1)], _flip)
    with pytest.raises(errors.EntryDamagedThere, match=r"Entry 1 of heads/main .* is damaged"):
        shared.owner.refs.entry(MAIN, 1)
    shared.backend.delete([MAIN.path(1)])
    shared.ana.ok("push", "--repair")
    shared.is_whole()


@pytest.mark.parametrize("harm", [_flip, lambda _: b""])
def test_the_newest_entry_that_is_damaged_is_named_with_the_way_out(shared: Shared, harm: Harm) -> None:
    shared.harm([MAIN.path(2)], harm)
    for command in ("push", "fetch"):
        said = shared.ana(command)
        assert said.code == 14, said
        assert MAIN.path(2) in said.err
        assert "`mvc fsck`" not in said.err, "that looks at the repository"


def test_the_newest_entry_that_is_gone_is_noticed_by_fsck(shared: Shared) -> None:
    shared.backend.delete([MAIN.path(2)])
    said = shared.ana("fsck", "--remote", "origin")
    assert said.code == 14, said
    assert MAIN.path(2) in said.out
    shared.backend.delete([MAIN.path(1)])
    assert MAIN.path(2) in shared.ana("fsck", "--remote", "origin").out


def test_a_folder_of_names_that_is_a_link_is_noticed_by_fsck(shared: Shared) -> None:
    refs = shared.top / "origin" / "refs"
    (model,) = refs.iterdir()
    shutil.move(model, shared.top / "elsewhere")
    model.symlink_to(shared.top / "elsewhere")
    said = shared.ana("fsck", "--remote", "origin")
    assert said.code == 14, said
    assert "symbolic link" in said.out


@pytest.mark.parametrize("kind", ["pack", "fan", "packs"])
def test_a_repair_names_what_is_of_another_kind_than_it_must_be(shared: Shared, kind: str) -> None:
    origin = shared.top / "origin"
    pack = min((origin / "packs").rglob("*.pack"))
    path = {"pack": pack, "fan": pack.parent, "packs": origin / "packs"}[kind]
    shutil.move(path, shared.top / "elsewhere")
    if path.suffix:
        path.mkdir()
    else:
        path.touch()
    said = shared.ana("push", "--repair", "origin")
    assert said.code == 14, said
    assert f"{path} is a f" in said.err, said
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()
    shutil.move(shared.top / "elsewhere", path)
    shared.ana.ok("push", "--repair", "origin")


def test_another_entry_than_the_one_that_was_seen_is_noticed_by_fsck(shared: Shared) -> None:
    tip, move = shared.owner.refs.entry(MAIN, 1), shared.ana.actor.move("push")
    assert tip is not None
    shared.backend.delete([MAIN.path(2)])
    shared.write(MAIN.path(2), RefEntry.after(MAIN, tip, tip.new, move).encode())
    said = shared.ana("fsck", "--remote", "origin")
    assert said.code == 14, said
    assert "than this repository has seen" in said.out


def test_a_log_that_is_gone_is_created_again_as_far_as_it_is_known(shared: Shared) -> None:
    before = shared.backend.read(MAIN.path(1), 1 << 16)
    last = shared.ana.repository.refs.tip(MAIN.tracking_ref("origin"))
    assert last is not None
    repository = shared.ana.repository
    repository.refs.append(
        MAIN.tracking_ref("origin"), last, last.old, shared.ana.actor.move("as of old"), Seen(1, digest(before))
    )
    shared.backend.delete([MAIN.path(1), MAIN.path(2)])
    assert shared.ana("fsck", "--remote", "origin").code == 14
    shared.ana.ok("fsck", "--remote", "origin", "--repair")
    assert shared.backend.read(MAIN.path(1), 1 << 16) == before


def test_a_format_that_is_damaged_is_created_again_once_its_owner_removed_it(shared: Shared) -> None:
    shared.harm(["format"], lambda _: b"")
    said = shared.ana("push", "--repair")
    assert said.code == 14, said
    assert "with delete permission" in said.err
    shared.backend.delete(["format"])
    shared.ana.ok("push", "--repair")
    shared.is_whole()


def test_a_remote_without_format_and_refs_is_another_one(shared: Shared) -> None:
    shared.backend.delete(["format", MAIN.path(1), MAIN.path(2)])
    said = shared.ana("push", "--repair")
    assert said.code == 14, said
    assert "push --repair" not in said.err
    assert "remote rm" in said.err


def test_the_record_of_the_format_is_created_again_by_who_was_there(shared: Shared) -> None:
    before = shared.backend.read("format", 1 << 16)
    shared.backend.delete(["format"])
    said = shared.ana("push")
    assert said.code == 14, said
    assert "push --repair" in said.err
    stranger = begin(_made(shared.top / "stranger"), shared.patch)
    stranger.repository.config.set_remote("origin", {"url": str(shared.top / "origin")})
    assert stranger("fsck", "--remote", "origin", "--repair").code == 17
    shared.ana.ok("push", "--repair")
    assert shared.backend.read("format", 1 << 16) == before
    shared.is_whole()


# --- interrupted


def test_a_repair_that_fails_at_any_write_is_repeated(shared: Shared, rng: random.Random, *, deep: bool) -> None:
    shared.harm(shared.names("packs", "meta"), _flip)
    whole = shared.snapshot()
    writes: list[str] = []
    heal(shared.ana.repository, _by(shared.backend, writes.append), shared.ana.actor)
    for number in range(len(writes)) if deep else sorted(rng.sample(range(len(writes)), 3)):
        _restore(shared, whole)
        left = [number]

        def stop(_: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise errors.RemoteUnreachable(remote="origin", reason="the network went away")

        try:
            heal(shared.ana.repository, _by(shared.backend, stop), shared.ana.actor)
        except errors.RemoteUnreachable:
            heal(shared.ana.repository, _by(shared.backend, lambda _: None), shared.ana.actor)
        assert not survey(shared.ana.repository, shared.owner, read_data=True).findings
    shared.is_whole()


def _by(backend: Backend, before: Callable[[str], None]) -> Remote:
    return remote_on(PutOnly(backend, before))


def _restore(shared: Shared, files: dict[str, bytes]) -> None:
    shared.backend.delete([each.name for each in shared.backend.list("")])
    for name, data in files.items():
        shared.write(name, data)


def test_a_push_never_overwrites_a_pack_that_is_cut(shared: Shared, rng: random.Random) -> None:
    """Its chunks are sent under another name: the remote may refuse that anything is overwritten."""
    shared.ana.write("more.bin", rng.randbytes(50_000))
    shared.ana.ok("add", "more.bin", "--as", "more")
    before = shared.names("packs")
    shared.ana.commit("three")
    shared.ana.ok("push", "origin", "main:night")
    shared.harm([each for each in shared.names("packs") if each not in before], HARMS["cut"])
    shared.ana.ok("push")
    shared.ana.ok("push", "--repair")
    assert survey(shared.ana.repository, shared.owner, read_data=True).findings == ()


def test_push_repair_where_nothing_was_pushed_yet_only_pushes(tmp_path: Path, monkeypatch: Any) -> None:
    shell = begin(_made(tmp_path / "ana"), monkeypatch)
    shell.write("w.bin", b"begin")
    shell.ok("add", "w.bin", "--as", "weights")
    shell.commit("begin")
    shell.repository.config.set_remote("origin", {"url": str(tmp_path / "origin")})
    shell.ok("push", "--repair")
    assert not survey(shell.repository, folder(tmp_path / "origin"), read_data=True).findings
    said = shell("push", "--repair", "-n")
    assert said.code == 2
    push_main(shell, folder(tmp_path / "origin"))


def test_a_pack_that_holds_nothing_needed_is_reported_until_it_is_hinted(shared: Shared) -> None:
    data = pack([])
    shared.write(f"packs/{digest(data)[:2]}/{digest(data)}.pack", data)
    shared.is_whole()


def _made(path: Path) -> Path:
    path.mkdir()
    return path


def test_a_pack_that_an_interrupted_push_left_cut_is_sent_under_another_name(
    shared: Shared, rng: random.Random
) -> None:
    """No metadata names it yet, and it is none of the packs here as it is: its chunks are those that the remote lacked."""
    ben = shared.clone()
    ben.write(WEIGHTS, (ben.folder / WEIGHTS).read_bytes()[:-3_000] + rng.randbytes(3_000))
    ben.commit("three")
    whole, before = shared.snapshot(), shared.names("packs")
    ben.ok("push")
    (name,) = set(shared.names("packs")) - set(before)
    cut = shared.backend.read(name, 1 << 26)[:-10]
    _restore(shared, whole)
    ben.ok("remote", "rm", "origin")
    ben.ok("remote", "add", "origin", shared.place[0])
    ben.ok("fetch")
    shared.write(name, cut)
    ben.ok("push")
    assert shared.backend.read(name, 1 << 26) == cut
    assert not survey(ben.repository, shared.owner, read_data=True).findings
