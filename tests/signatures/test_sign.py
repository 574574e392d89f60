"""Signatures of versions and moves: what counts as one, whom it convinces, and what never does."""

from __future__ import annotations

import contextlib
import os
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest

from mvc.storage.records.reflog import ALIASES, RefName
from tests.cli.shell import MODEL, Shell, begin
from tests.signatures.keys import SECRET, Keys, add_to_agent, agent, armored, of_armored, read, run, statement, write

PROVIDER = os.environ.get("MVC_TEST_SK_PROVIDER")  # read now: tests see no such variables
SAMPLED = 10
"""Bytes of a record that are flipped, unless `--deep`."""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """v1 and v2, of which prod is v1, and settings of the user that have nothing."""
    (tmp_path / "ana").mkdir()
    monkeypatch.setenv("MVC_CONFIG", str(tmp_path / "user" / "config.toml"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.commit("one", "--alias", "prod")
    shell.set(metrics__mAP50=0.5)
    shell.commit("two")
    return shell


def log_of(shell: Shell, revision: str) -> Path:
    return shell.folder / ".mvc" / "signatures" / MODEL / shell.ok("rev-parse", revision).out.strip()


def verify(shell: Shell, revision: str, signers: Path) -> tuple[int, list[str]]:
    """The exit code, and the statuses of the signatures."""
    said = shell("verify", revision, "--signers", str(signers), "--json")
    parts = [said.json["version"], said.json["move"] or {"signatures": []}]
    return said.code, [each["status"] for part in parts for each in part["signatures"]]


def test_every_kind_of_key_signs_and_ssh_keygen_alone_agrees(
    shell: Shell, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.set(model__description='Ünïcode, "quoted"')
    shell.commit("thrée")
    keys.make("ecdsa", "ecdsa", bits=384)
    keys.make("rsa", "rsa", bits=2048)
    keys.make("locked", passphrase=SECRET)
    names = ["ana", "ecdsa", "rsa", "locked", "agent"]
    keys.make("agent", passphrase=SECRET)
    refused = shell("sign", "--key", str(keys.folder / "locked"))
    assert refused.code == 128
    assert ("incorrect passphrase" in refused.err, f"`ssh-add {keys.folder}/locked`" in refused.err) == (True, True)
    (keys.folder / "ana").chmod(0o644)
    refused = shell("sign", "--key", str(keys.folder / "ana"))
    (keys.folder / "ana").chmod(0o600)
    assert (refused.code, "0644" in refused.err, f"`chmod 600 {keys.folder}/ana`" in refused.err) == (128, True, True)
    assert not log_of(shell, "HEAD").exists()
    with agent(tmp_path, monkeypatch):
        add_to_agent(keys.folder / "locked", SECRET)
        add_to_agent(keys.folder / "agent", SECRET)
        (keys.folder / "agent").unlink()  # only its .pub is left
        for name in names:
            shell.ok("sign", "--key", str(keys.folder / (f"{name}.pub" if name == "agent" else name)))
    allowed = keys.allowed(*names)
    assert verify(shell, "HEAD", allowed) == (0, ["good"] * 5)
    for number, name in enumerate(names, 1):  # by ssh-keygen alone, from the page of the format
        record = read(log_of(shell, "HEAD") / f"{number:010d}")
        signature = armored(record, tmp_path / "signature")
        arguments = ["-f", str(allowed), "-I", f"{name}@example.org", "-n", "mvc.version", "-s", str(signature)]
        run("ssh-keygen", "-Y", "verify", *arguments, data=statement(record, MODEL))
    shell.ok("alias", "set", "prod", "--sign", "--key", str(keys.folder / "ana"))
    move = read(log_of(shell, "HEAD") / "0000000006")
    signature = armored(move, tmp_path / "signature")
    arguments = ["-f", str(allowed), "-I", "ana@example.org", "-n", "mvc.ref", "-s", str(signature)]
    run("ssh-keygen", "-Y", "verify", *arguments, data=statement(move, MODEL))
    record = {**record, "nonce": "f" * 32, "seq": 7}  # and the other way round
    key = run("ssh-keygen", "-l", "-f", str(keys.folder / "ana")).stdout.split()[1].decode()
    made = run(
        "ssh-keygen", "-Y", "sign", "-n", "mvc.version", "-f", str(keys.folder / "ana"), data=statement(record, MODEL)
    )
    write(log_of(shell, "HEAD") / "0000000007", {**record, "key": key, "signature": of_armored(made.stdout.decode())})
    assert verify(shell, "HEAD", allowed) == (0, ["good"] * 6)


def test_a_key_on_a_fido_device_signs(shell: Shell, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """With OpenSSH's own device of its tests, built from its sources: regress/misc/sk-dummy."""
    if PROVIDER is None:
        pytest.skip("MVC_TEST_SK_PROVIDER names no library of a FIDO device")
    monkeypatch.setenv("SSH_SK_PROVIDER", PROVIDER)
    made = [keys.make(kind, kind) for kind in ("ed25519-sk", "ecdsa-sk")]
    for key in made:
        shell.ok("sign", "prod", "--key", str(key))
    allowed = keys.allowed("ed25519-sk", "ecdsa-sk")
    assert verify(shell, "prod", allowed) == (0, ["good"] * 4)
    monkeypatch.delenv("SSH_SK_PROVIDER")  # nobody needs the device to verify
    assert verify(shell, "prod", allowed) == (0, ["good"] * 4)
    assert verify(shell, "prod", keys.allowed("ana")) == (1, ["unknown"] * 4)
    monkeypatch.setenv("SSH_SK_PROVIDER", "/nowhere.so")
    said = shell("sign", "v2", "--key", str(made[0]))
    assert (said.code, "Traceback" in said.err) == (128, False)
    assert not log_of(shell, "v2").exists()


def test_an_ssh_keygen_before_signatures_is_named_as_too_old(
    shell: Shell, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "ssh-keygen"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'unknown option -- Y' >&2\nexit 1\n", encoding="utf-8")  # as of OpenSSH 7
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    said = shell("sign", "--key", str(keys.folder / "ana"))
    assert said.code == 2
    assert "this version is too old: unknown option -- Y" in said.err
    assert "OpenSSH 8.9 or newer" in said.err


def test_only_a_key_that_is_trusted_for_this_at_that_time_convinces(shell: Shell, keys: Keys, tmp_path: Path) -> None:
    assert verify(shell, "prod", keys.allowed("ana")) == (1, [])
    shell.ok("sign", "prod", "--key", str(keys.folder / "ana"))  # in 2026, as the clock of the tests has it
    year = int(
        shell.ok("verify", "prod", "--signers", str(keys.allowed("ana")), "--json").json["version"]["signatures"][0][
            "time"
        ][:4]
    )
    version, move = 'namespaces="mvc.version"', 'namespaces="mvc.ref"'
    cases = [
        (("ana",), 0, "good", "good"),
        (("ben",), 1, "unknown", "unknown"),
        ((f"ana {version}",), 1, "good", "namespace"),
        ((f"ana {move}",), 1, "namespace", "good"),
        ((f"ana {version}", f"ana {move}"), 0, "good", "good"),
        ((f'ana valid-before="{year}0101"',), 1, "expired", "expired"),
        ((f'ana valid-after="{year + 1}0101"',), 1, "not-yet-valid", "not-yet-valid"),
        (('ana valid-before="soon"',), 1, "unknown", "unknown"),
        ((f'ana valid-after="{year}0101",valid-before="{year + 1}0101"',), 0, "good", "good"),  # it was valid then
        (('ana namespaces="git"', "ben"), 1, "namespace", "namespace"),
    ]
    for lines, code, *statuses in cases:
        assert verify(shell, "prod", keys.allowed(*lines)) == (code, statuses), lines
    unusable = keys.allowed("ben", "ana namespace")  # no option of OpenSSH
    assert (
        f"ssh-keygen cannot use its line in the allowed signers: {unusable}:3: bad options"
        in shell("verify", "v1", "--signers", str(unusable)).out
    )
    shell.ok("sign", "prod", "--key", str(keys.folder / "ben"))
    assert verify(shell, "prod", keys.allowed("ben")) == (0, ["unknown", "good", "unknown", "good"])  # one is enough
    two = keys.folder / "two"
    two.write_text(f"ana@work,ana@example.org {keys.public('ana')}\n")
    assert verify(shell, "v1", two) == (0, ["good", "unknown"])
    revoked = tmp_path / "krl"
    run("ssh-keygen", "-q", "-k", "-f", str(revoked), str(keys.folder / "ana.pub"))
    for path in (revoked, keys.folder / "ana.pub"):  # a KRL, or a list of keys
        shell.ok("config", "--global", "trust.revoked", str(path))
        assert verify(shell, "prod", keys.allowed("ana")) == (1, ["revoked", "unknown"] * 2)
    shell.ok("config", "--global", "trust.revoked", str(tmp_path / "lost"))
    assert shell("verify", "v1", "--signers", str(two)).code == 2  # a lost file never means that no key is revoked


def test_no_byte_of_a_record_can_be_another(shell: Shell, keys: Keys, rng: random.Random, deep: bool) -> None:
    allowed = keys.allowed("ana", "ben")
    shell.ok("sign", "prod", "--key", str(keys.folder / "ana"))
    good = [log_of(shell, "v1") / f"{number:010d}" for number in (1, 2)]
    for path in good:
        data = path.read_bytes()
        for at in range(len(data)) if deep else sorted(rng.sample(range(len(data)), SAMPLED)):
            path.write_bytes(data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :])
            assert shell("verify", "prod", "--signers", str(allowed)).code == 14, at
        path.write_bytes(data[:-1])
        assert shell("verify", "prod", "--signers", str(allowed)).code == 14
        path.write_bytes(data)
    assert shell("verify", "prod", "--signers", str(allowed)).code == 0

    other = f"SHA256:{'A' * 43}"
    changes: dict[str, Any] = {
        "by": "Eve <eve@example.org>",
        "at": {"offset": 0, "seconds": 1},
        "nonce": "0" * 32,
        "key": other,
        "format": "none",
        "version": shell.ok("rev-parse", "v2").out.strip(),
    }
    for path in good:  # with a right checksum, as whoever may write to the store can make it
        data, fields = path.read_bytes(), read(path)
        moved: dict[str, Any] = {"what": "version" if "move" in fields else "ref"}
        moved |= {"move": {**fields["move"], "ref": "aliases/other"}} if "move" in fields else {}
        flipped = (
            fields["signature"][:200] + ("A" if fields["signature"][200] != "A" else "B") + fields["signature"][201:]
        )
        for name, value in {**changes, **moved, "signature": flipped}.items():
            write(path, {**fields, name: value})
            assert shell("verify", "prod", "--signers", str(allowed)).code in (1, 14), name
        path.write_bytes(data)
    good[1].unlink()  # a record that is gone
    assert verify(shell, "prod", allowed) == (1, ["good"])
    good[0].unlink()
    assert verify(shell, "prod", allowed) == (1, [])


def test_a_signature_cannot_be_used_for_anything_else(shell: Shell, keys: Keys) -> None:
    allowed = keys.allowed("ana")
    shell.ok("alias", "set", "prod", "v2", "--sign", "--key", str(keys.folder / "ana"))
    one, two = log_of(shell, "v1"), log_of(shell, "v2")
    version, move = read(two / "0000000001"), read(two / "0000000002")
    assert (version["what"], move["what"], move["move"]["ref"], move["move"]["seq"]) == (
        "version",
        "ref",
        "aliases/prod",
        2,
    )
    assert verify(shell, "prod", allowed)[0] == 0

    shell.ok("alias", "set", "staging", "v2")  # another name for the same version
    assert verify(shell, "staging", allowed) == (1, ["good"])
    entry = shell.repository.refs.identified(RefName(MODEL, ALIASES, "staging"), 1)[1]
    write(
        two / "0000000003",
        {
            **move,
            "nonce": "1" * 32,
            "seq": 3,
            "move": {**move["move"], "ref": "aliases/staging", "seq": 1, "entry": entry},
        },
    )
    assert verify(shell, "staging", allowed) == (14, ["good", "mismatch"])
    (two / "0000000003").unlink()

    for target in ("v1", "v2"):  # away and back: a move of its own, which nobody signed
        shell.ok("alias", "set", "prod", target)
    assert verify(shell, "prod", allowed) == (1, ["good"])
    assert verify(shell, "HEAD", allowed)[0] == 0

    old = shell.ok("rev-parse", "v1").out.strip()  # the older version
    write(one / "0000000001", {**version, "version": old})
    assert verify(shell, "v1", allowed) == (14, ["mismatch"])
    write(one / "0000000001", version)
    assert verify(shell, "v1", allowed) == (14, ["damaged"])


def test_a_key_that_is_none_of_ssh_is_refused_by_its_kind(shell: Shell, tmp_path: Path) -> None:
    for name, text in (("key.pem", b""), ("garbage", b"not a key\n")):
        path = tmp_path / name
        path.write_bytes(text or run("openssl", "genpkey", "-algorithm", "ed25519").stdout)
        path.chmod(0o600)
        said = shell("sign", "v1", "--key", str(path))
        assert (said.code, "it is not an SSH key" in said.err, "mvc attest" in said.err) == (2, True, True), said
    assert not log_of(shell, "v1").exists()


def _given_once(data: bytes, stack: contextlib.ExitStack) -> str:
    """The path of a pipe, as a shell makes one of <(command)."""
    reading, writing = os.pipe()
    stack.callback(os.close, reading)
    with open(writing, "wb") as sink:
        sink.write(data)
    return f"/dev/fd/{reading}"


def test_keys_that_can_be_read_once_are_as_good_as_files(
    shell: Shell, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ana", "ben"):
        shell.ok("sign", "v1", "--key", str(keys.folder / name))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    allowed, revoked = keys.allowed("ana", "ben").read_bytes(), (keys.folder / "ben.pub").read_bytes()
    with contextlib.ExitStack() as stack:
        assert verify(shell, "v1", Path(_given_once(allowed, stack))) == (0, ["good", "good"])
        assert shell("verify", "v1", "--signers", _given_once(b"ana\n", stack)).code == 2  # no line with a key
        assert verify(shell, "v1", Path(os.devnull)) == (1, ["unknown", "unknown"])
        said = shell("verify", "v1", "--signers", _given_once(b"", stack))
        assert (said.code, "a pipe to which nothing was written" in said.err) == (2, True)
        shell.ok("config", "--global", "trust.revoked", _given_once(revoked, stack))
        assert verify(shell, "v1", Path(_given_once(allowed, stack))) == (0, ["good", "revoked"])
        shell.ok("config", "--global", "trust.revoked", str(keys.folder / "ben.pub"))
        shell.ok("config", "--global", "trust.allowed-signers", _given_once(allowed, stack))
        assert shell("verify", "v1").code == 0
    assert not list(tmp_path.glob("mvc-keys-*"))
    own = tmp_path / "user" / "allowed_signers"  # beside the settings
    os.mkfifo(tmp_path / "pipe")
    own.symlink_to(tmp_path / "lost")
    for path, reason in (
        (Path("/dev/zero"), "a device"),
        (tmp_path, "a folder"),
        (tmp_path / "pipe", "nothing was written"),
        (own, "which does not exist"),
    ):
        shell.ok("config", "--global", "trust.revoked", str(path))
        shell.ok("config", "--global", "trust.allowed-signers", str(keys.folder / "allowed"))
        saids = [shell("verify", "v1"), shell("verify", "v1", "--signers", str(path))]
        assert [(said.code, reason in said.err) for said in saids] == [(2, True)] * 2, (path, saids)
    for key in ("trust.revoked", "trust.allowed-signers"):
        shell.ok("config", "--global", "--unset", key)
    assert "which does not exist" in shell("verify", "v1").err


def test_a_file_of_signers_without_a_line_of_one_is_an_error(shell: Shell, keys: Keys, tmp_path: Path) -> None:
    """The .pub file of a key is no such file: its first word would be the name."""
    shell.ok("sign", "v1", "--key", str(keys.folder / "ana"))
    garbage, empty = tmp_path / "garbage", tmp_path / "empty"
    garbage.write_bytes(
        b"ana@example.org ssh-ed25519 AAAA\n\xff\x00 x y\nana ssh-rsa " + keys.public("ana")[12:].encode()
    )
    for path in (keys.folder / "ana.pub", garbage):
        said = shell("verify", "v1", "--signers", str(path))
        assert (said.code, "a name, then a public key" in said.err) == (2, True), said
    empty.write_text("# nobody\n\n")
    assert verify(shell, "v1", empty) == (1, ["unknown"])
    quoted = tmp_path / "quoted"
    quoted.write_text(
        f'# a comment\nrubbish\nana@example.org namespaces="a, mvc.version" {keys.public("ana")} of Ana\n'
    )
    assert verify(shell, "v1", quoted)[0] == 1  # OpenSSH knows no space there, and says so
    quoted.write_text(quoted.read_text().replace("a, mvc", "a,mvc"))
    assert verify(shell, "v1", quoted) == (0, ["good"])


def test_verify_says_where_a_move_is_signed_and_whose_name_is_only_claimed(
    shell: Shell, keys: Keys, tmp_path: Path
) -> None:
    said = shell("verify", "prod", "--signers", str(keys.allowed("ana")))
    assert (said.code, "`mvc sign prod` signs it" in said.err) == (1, True)
    key = str(keys.folder / "ana")
    shell.ok("sign", "prod", "--key", key)
    shell.ok("config", "--global", "sign.key", key)
    shell.ok("remote", "add", "origin", str(tmp_path / "origin"))
    shell.ok("push", "--signed", "origin", "main", "prod")
    lines = shell.ok("verify", "prod", "--signers", str(keys.allowed("ana"))).lines
    titles = [line.partition(":")[0].strip() for line in lines[3:]]
    assert [title.partition(" on ")[2] for title in titles] == ["", "origin"], lines
    told = shell("verify", "prod", "--signers", str(keys.allowed("ben")))
    assert told.out.count("unknown, says it is Ana, 2026-") == 3
    assert "says it is" not in "".join(lines)
    assert "mvc sign" not in told.err
