"""Attestations: what they state, which keys sign them, whom they convince, and how they travel.

`tests/integrations/signing` has the libraries of others judge them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

import mvc
from mvc import errors
from mvc.model.ids import digest
from mvc.storage.records import config
from tests.cli.shell import MODEL, Shell, begin
from tests.signatures.keys import Keys, armored, read, run, write

SAMPLED = 8
"""Bytes of a record that are flipped, unless `--deep`."""
SLSA = "https://slsa.dev/provenance/v1"
SCAN = "urn:mvc:scan:v1"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory, requires: Callable[[str], str]) -> Keys:
    requires("ssh-keygen")
    keys = Keys(tmp_path_factory.mktemp("keys"))
    keys.make("ana")
    keys.make("ben", "ecdsa", bits=256)
    return keys


@pytest.fixture
def ana(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: Keys) -> Shell:
    """v1 and v2 with a file, parameters, a dataset, an image and an experiment; keys as in the settings of the user."""
    (tmp_path / "ana").mkdir()
    monkeypatch.setenv("MVC_CONFIG", str(tmp_path / "user" / "config.toml"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("w.bin", b"weights")
    shell.ok("add", "w.bin", "--as", "weights")
    shell.commit("one")
    toml = shell.folder / "model.toml"
    toml.write_text(
        toml.read_text()
        + '\n[parameters]\nepochs = 100\nlr = 0.01\n\n[docker]\nimage = "registry.example.org/train"\ntag = "1.2"\n'
        + f'digest = "sha256:{"ab" * 32}"\n\n[source.experiment]\nid = "e-1"\nname = "night"\n'
        + 'url = "https://registry.example.org/e/1"\n\n[[source.datasets]]\nalias = "train"\nname = "helmets"\n'
        + 'version = "3"\nid = "d-1"\n'
    )
    shell.commit("two")
    shell.ok("config", "--global", "sign.key", str(keys.folder / "ana"))
    shell.ok("config", "--global", "trust.allowed-signers", str(keys.allowed("ana", name="trusted")))
    shell.ok("remote", "add", "origin", str(tmp_path / "origin"))
    return shell


def log_of(shell: Shell, revision: str) -> Path:
    return shell.folder / ".mvc" / "attestations" / MODEL / shell.ok("rev-parse", revision).out.strip()


def stated(shell: Shell, revision: str = "HEAD", number: int = 1) -> dict[str, Any]:
    """The statement of an attestation."""
    found = shell.ok("attest", revision, "--list", "--json").json["attestations"]
    envelope = next(each["envelope"] for each in found if each["number"] == number)
    return dict(json.loads(base64.b64decode(envelope["payload"])))


def statuses(shell: Shell, revision: str = "HEAD") -> tuple[int, list[str]]:
    said = shell("verify", revision, "--json")
    return said.code, [each["status"] for each in said.json["attestations"]]


def test_provenance_states_what_the_version_records(ana: Shell) -> None:
    ana.ok("attest", "--type", "provenance")
    statement = stated(ana)
    id_, parent = (ana.ok("rev-parse", name).out.strip() for name in ("v2", "v1"))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == SLSA
    assert statement["subject"][0] == {"name": f"{MODEL}@v2", "digest": {"blake3": id_}}
    assert statement["subject"][1:] == [{"name": "w.bin", "digest": {"blake3": digest(b"weights")}}]
    build = statement["predicate"]["buildDefinition"]
    assert build["externalParameters"]["parameters"] == {"epochs": 100, "lr": 0.01}
    assert build["externalParameters"]["model"] == MODEL
    dependencies = {each["uri"]: each for each in build["resolvedDependencies"]}
    assert set(dependencies) == {
        "urn:mvc:dataset:d-1",
        f"docker://registry.example.org/train:1.2@sha256:{'ab' * 32}",
        f"urn:mvc:version:{parent}",
    }
    assert dependencies[f"urn:mvc:version:{parent}"]["digest"] == {"blake3": parent}
    assert statement["predicate"]["runDetails"]["builder"] == {"id": "https://registry.example.org/e/1"}
    job = "https://ci.example.org/jobs/7"
    ana.ok("attest", "--type", "provenance", "--builder", job)
    assert stated(ana, number=2)["predicate"]["runDetails"]["builder"] == {"id": job}
    ana.ok("attest", "v1", "--type", "provenance")  # what was not recorded is not stated
    first = stated(ana, "v1")["predicate"]
    assert "resolvedDependencies" not in first["buildDefinition"]
    assert "parameters" not in first["buildDefinition"]["externalParameters"]
    assert first["runDetails"] == {"builder": {"id": "urn:mvc:builder:not-recorded"}}


def test_provenance_says_that_the_code_was_dirty(ana: Shell) -> None:
    git = ["git", "-C", str(ana.folder), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    (ana.folder / "train.py").write_text("1\n")
    for words in (["init", "-q"], ["add", "train.py"], ["commit", "-qm", "one"]):
        run(*git, *words)
    run(*git, "remote", "add", "origin", "https://git.example.org/team/code.git")
    commit = run(*git, "rev-parse", "HEAD").stdout.decode().strip()
    for text, dirty in (("1\n", False), ("2\n", True)):
        (ana.folder / "train.py").write_text(text)
        ana.set(metrics__mAP50=0.5 + dirty / 10)
        ana.commit(text)
        ana.ok("attest", "--type", "provenance")
        code = stated(ana)["predicate"]["buildDefinition"]["resolvedDependencies"][0]
        assert (code["digest"], code["annotations"]["dirty"]) == ({"gitCommit": commit}, dirty)
        assert code["uri"] == f"git+https://git.example.org/team/code.git@{commit}"


def test_a_scan_states_verdicts_and_rules(ana: Shell, tmp_path: Path) -> None:
    ana.write("best.pkl", b"\x80\x04\x8c\x02os\x8c\x06getcwd\x93.")
    ana.ok("add", "best.pkl", "--as", "pickle")
    ana.ok("config", "--global", "scan.level", "off")
    ana.commit("three")
    scanned = ana("scan", "v3", "--json").json
    ana.ok("attest", "--type", "scan")
    predicate = stated(ana)["predicate"]
    assert stated(ana)["predicateType"] == SCAN
    assert (predicate["verdict"], predicate["scanner"]["rules"]) == (scanned["verdict"], scanned["rules"])
    assert {each["name"]: each["verdict"] for each in predicate["files"]} == {
        each["path"]: each["verdict"] for each in scanned["files"]
    }
    assert any(each["findings"] for each in predicate["files"])
    ana.write("w.bin", bytes(range(256)) * 200)
    ana.commit("four")
    ana.ok("push", "origin", "main")
    ana.ok("clone", "-q", "--meta", str(tmp_path / "origin"), str(tmp_path / "meta"))
    ana.folder = tmp_path / "meta"
    said = ana("attest", "--type", "scan")
    assert (said.code, "promised" in said.err) == (15, True)


def test_any_predicate_and_what_is_refused(ana: Shell, keys: Keys, tmp_path: Path) -> None:
    ana.write("tests.json", json.dumps({"result": "PASSED", "rate": 0.5, "of": [1, None, {"é": True}]}).encode())
    uri = "https://in-toto.io/attestation/test-result/v0.1"
    ana.ok("attest", "v1", "--type", "tests.json", "--predicate-type", uri)
    statement = stated(ana, "v1")
    assert (statement["predicateType"], statement["predicate"]["rate"]) == (uri, 0.5)
    before = (ana.folder / ".mvc" / "config.toml").read_bytes()
    for name, text in (
        ("no.json", "{"),
        ("list.json", "[1]"),
        ("nan.json", '{"a": NaN}'),
        ("twice.json", '{"a":1,"a":2}'),
    ):
        ana.write(name, text.encode())
        assert ana("attest", "--type", name, "--predicate-type", uri).code == 2, name
    ana.write("huge.json", b'{"a": 123456789012345678901234567890}')
    key = str(keys.folder / "ana")
    for words in (
        ["--type", "huge.json", "--predicate-type", uri],
        ["--type", "lost.json", "--predicate-type", uri],
        ["--type", "tests.json"],
        ["--type", "tests.json", "--predicate-type", "no uri"],
        ["--type", "scan", "--predicate-type", uri],
        ["--type", "scan", "--builder", uri],
        ["--type", "provenance", "--builder", "no uri"],
        ["--type", "provenance", "--key", str(tmp_path / "lost")],
        ["--list", "--remove", "1"],
        ["--key", key],
        ["--remove", "7"],
    ):
        said = ana("attest", *words)
        assert (said.code, "Traceback" in said.err) == (2, False), words
    assert not log_of(ana, "HEAD").exists()
    assert (ana.folder / ".mvc" / "config.toml").read_bytes() == before


def test_a_usage_error_names_what_is_missing_and_which_keys_sign(ana: Shell, keys: Keys, tmp_path: Path) -> None:
    ana.write("tests.json", b'{"a": 1}')
    hidden = keys.make("hidden", passphrase="secret")
    for words, message in (
        (["--type", "tests.json"], "is a file: name the type of its predicate with --predicate-type URI"),
        (["--type", "foo"], "'foo' is neither a type (provenance, scan) nor a file"),
        (["--type", "scan", "--predicate-type", SCAN], "--predicate-type belongs to --type FILE"),
        (["--type", "scan", "--key", str(hidden)], "is protected by a passphrase. It needs"),
    ):
        said = ana("attest", *words)
        assert (said.code, message in " ".join(said.err.split())) == (2, True), said
        assert "ssh-agent" not in said.err  # it cannot sign this
    ana.ok("config", "--global", "--unset", "sign.key")
    for words, reason in (([], "sign.key is not set"), (["--key", "lost"], "lost is not a file")):
        said = ana("attest", "--type", "scan", *words)
        assert (said.code, f"{reason}." in said.err, "ssh-agent" in said.err) == (2, True, False), said
        assert "`ssh-keygen -t ed25519 -N '' -f attest.key` makes one; name it with --key FILE" in said.err
    with pytest.raises(errors.NoKeyFile, match="is not set"):
        mvc.open(ana.folder).model(MODEL)["HEAD"].attest("scan")


def pem(path: Path, key: Any, password: bytes = b"") -> Path:
    hidden = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden))
    return path


def test_every_kind_of_key_signs_for_mvc_and_for_others(ana: Shell, keys: Keys, tmp_path: Path) -> None:
    made: dict[str, Any] = {
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
        "p256": ec.generate_private_key(ec.SECP256R1()),
        "p384": ec.generate_private_key(ec.SECP384R1()),
        "p521": ec.generate_private_key(ec.SECP521R1()),
        "rsa": rsa.generate_private_key(65537, 2048),
    }
    signers = tmp_path / "signers"
    lines = []
    for name, key in made.items():
        pem(tmp_path / name, key)
        public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        lines.append(f"{name}@example.org {public.decode()}")
        ana.ok("attest", "--type", "provenance", "--key", str(tmp_path / name))
    for name in ("ana", "ben"):  # as ssh-keygen writes them
        made[name] = serialization.load_ssh_private_key((keys.folder / name).read_bytes(), None)
        lines.append(f"{name}@example.org {keys.public(name)}")
        ana.ok("attest", "--type", "provenance", "--key", str(keys.folder / name))
    signers.write_text("\n".join(lines) + "\n")
    found = ana("verify", "--signers", str(signers), "--json").json["attestations"]
    assert [(each["status"], each["principal"]) for each in found] == [("good", f"{n}@example.org") for n in made]
    listed = ana.ok("attest", "--list", "--json").json["attestations"]
    for name, each, number in zip(made, listed, range(1, 10), strict=False):
        envelope, key = each["envelope"], made[name].public_key()
        payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
        signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        signature = base64.b64decode(envelope["signatures"][0]["sig"])
        if name in ("ed25519", "ana"):
            key.verify(signature, signed)
        elif name == "rsa":
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            key.verify(signature, signed, pss, hashes.SHA256())
        else:
            size = {"p384": hashes.SHA384(), "p521": hashes.SHA512()}.get(name, hashes.SHA256())
            key.verify(signature, signed, ec.ECDSA(size))
        record = read(log_of(ana, "HEAD") / f"{number:010d}")  # by ssh-keygen alone, from the page of the format
        data = json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode()
        statement = {
            "envelope": digest(data),
            "id": record["version"],
            "kind": "statement",
            "nonce": record["nonce"],
            "signer": record["by"],
            "time": record["at"],
            "v": 1,
            "what": "attestation",
        }
        text = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        arguments = ["-f", str(signers), "-I", f"{name}@example.org", "-n", "mvc.attestation"]
        run("ssh-keygen", "-Y", "verify", *arguments, "-s", str(armored(record, tmp_path / "sig")), data=text)
    for number, key in enumerate(
        [
            pem(tmp_path / "locked", made["p256"], b"secret"),
            pem(tmp_path / "curve", ec.generate_private_key(ec.SECP256K1())),
            pem(tmp_path / "short", rsa.generate_private_key(65537, 1024)),
            keys.folder / "ana.pub",
        ]
    ):
        said = ana("attest", "v1", "--type", "provenance", "--key", str(key))
        assert (said.code, str(key) in said.err) == (2, True), number
    assert not log_of(ana, "v1").exists()


def test_a_key_is_trusted_for_attestations_by_name_and_required_by_type(ana: Shell, keys: Keys) -> None:
    ana.ok("sign")
    ana.ok("attest", "--type", "provenance")
    assert statuses(ana) == (0, ["good"])
    assert ana("verify", "--attested", "provenance", "--attested", SLSA).code == 0
    said = ana("verify", "--attested", "provenance", "--attested", "scan", "--json")
    assert (said.code, said.json["status"], said.json["unattested"]) == (1, "unattested", ["scan"])
    ana.ok("attest", "--type", "scan", "--key", str(keys.folder / "ben"))
    assert statuses(ana) == (0, ["good", "unknown"])  # one that nobody trusts proves nothing, and spoils nothing
    assert ana("verify", "--attested", "scan").code == 1
    assert "attestation 2 urn:mvc:scan:v1: unknown" in ana("verify").out
    signers = keys.allowed('ana namespaces="mvc.version"', name="versions")
    said = ana("verify", "--signers", str(signers), "--json")
    assert (said.code, said.json["attestations"][0]["status"]) == (0, "namespace")
    version = mvc.open(ana.folder).model(MODEL)["HEAD"]
    assert version.verify(attested=["scan"]).status == "unattested"
    made = version.attest("scan")
    assert (made.attestations[0].type, version.verify(attested="scan").status) == (SCAN, "good")
    assert [each.type for each in version.attestations] == [SLSA, SCAN, SCAN]
    with pytest.raises(ValueError, match="needs a predicate"):
        version.attest("https://example.org/tests")
    version.attest("https://example.org/tests", predicate={"result": "PASSED"})
    ana.ok("attest", "--remove", "2", "--remove", "3")
    assert [each.number for each in version.attestations] == [1, 4]
    assert ana("attest", "--remove", "2").code == 2
    version.remove_attestations(4)
    assert "has no attestation" in ana.ok("attest", "v1", "--list").out


def test_no_byte_of_an_attestation_can_be_another(ana: Shell, keys: Keys, rng: random.Random, deep: bool) -> None:
    ana.ok("sign")
    ana.ok("attest", "--type", "provenance")
    path = log_of(ana, "HEAD") / "0000000001"
    data, fields = path.read_bytes(), read(path)
    for at in range(len(data)) if deep else sorted(rng.sample(range(len(data)), SAMPLED)):
        path.write_bytes(data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :])
        assert statuses(ana) == (14, ["damaged"]), at
    path.write_bytes(data[:-1])
    assert statuses(ana) == (14, ["damaged"])
    assert [finding["kind"] for finding in ana("fsck", "--json").json["findings"]] == ["attestation"]
    statement = json.loads(base64.b64decode(fields["payload"]))
    statement["predicate"]["runDetails"]["builder"]["id"] = "https://evil.example.org"
    forged = base64.b64encode(json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()).decode()
    other = "A" if fields["signature"][200] != "A" else "B"
    changes: dict[str, Any] = {
        "by": "Eve <eve@example.org>",
        "at": {"offset": 0, "seconds": 1},
        "nonce": "0" * 32,
        "key": f"SHA256:{'A' * 43}",
        "key_id": "0" * 64,
        "payload": forged,
        "dsse": base64.b64encode(b"x" * 64).decode(),
        "signature": fields["signature"][:200] + other + fields["signature"][201:],
    }
    for name, value in changes.items():  # with a right checksum, as whoever may write to the store can make it
        write(path, {**fields, name: value})
        assert statuses(ana) == (14, ["mismatch"]), name
    for name, value in {"version": ana.ok("rev-parse", "v1").out.strip(), "payload": "e30="}.items():
        write(path, {**fields, name: value})
        assert statuses(ana) == (14, ["damaged"]), name
    path.write_bytes(data)
    assert statuses(ana) == (0, ["good"])
    target = log_of(ana, "v1") / "0000000001"  # replayed for another version
    write(target, {**fields, "version": ana.ok("rev-parse", "v1").out.strip()})
    assert statuses(ana, "v1") == (14, ["damaged"])
    ana.ok("attest", "v1", "--remove", "1")
    assert statuses(ana, "v1") == (1, [])
    assert ana("fsck").code == 0


def test_attestations_travel_and_end_with_their_version(
    ana: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana.ok("push", "origin", "main")
    ana.ok("clone", "-q", str(tmp_path / "origin"), str(tmp_path / "early"))
    assert not config.requires(ana.repository.door, config.ATTESTATIONS)
    ana.ok("sign")
    ana.ok("attest", "--type", "provenance")
    assert config.requires(ana.repository.door, config.ATTESTATIONS)
    assert "Uploaded 1 attestation." in ana.ok("push").out
    early = Shell(tmp_path / "early", monkeypatch)
    assert "1 new attestation" in early.ok("fetch").out
    assert statuses(early) == (0, ["good"])
    assert early("fsck").code == 0
    early.ok("attest", "--type", "scan")
    assert early.ok("push", "--json").json["attestations"] == 1
    assert ana.ok("fetch", "--json").json["attestations"] == 1
    assert statuses(ana) == (0, ["good", "good"])
    assert ana("fsck", "--remote", "origin").code == 0
    ana.ok("models", "rename", MODEL, "hats")
    assert statuses(ana) == (0, ["good", "good"])
    path = next((ana.folder / ".mvc" / "attestations" / "hats").rglob("0000000001"))
    path.write_bytes(path.read_bytes()[:-1])
    early.ok("switch", "-c", "night")
    early.set(metrics__mAP50=0.4)
    early.commit("three")
    early.ok("attest", "--type", "provenance")
    log = log_of(early, "HEAD")
    early.ok("switch", "main")
    early.ok("branch", "-D", "night")
    early.tick(100 * 86_400)
    early.ok("config", "gc.reflog-expire", "1")
    early.ok("gc", "--grace", "0")
    assert not list(log.glob("*"))
    assert config.requires(early.repository.door, config.ATTESTATIONS)
    early.ok("gc", "--grace", "0")


def test_gc_takes_back_the_feature_with_the_last_attestation(ana: Shell) -> None:
    ana.ok("sign")
    ana.ok("switch", "-c", "night")
    ana.set(metrics__mAP50=0.4)
    ana.commit("three")
    ana.ok("attest", "--type", "provenance")
    ana.ok("gc", "--grace", "0")
    assert config.requires(ana.repository.door, config.ATTESTATIONS)
    ana.ok("switch", "main")
    ana.ok("branch", "-D", "night")
    ana.tick(100 * 86_400)
    ana.ok("config", "gc.reflog-expire", "1")
    ana.ok("gc", "--grace", "0")
    assert not config.requires(ana.repository.door, config.ATTESTATIONS)
    assert config.requires(ana.repository.door, config.SIGNATURES)


def test_a_history_that_is_imported_keeps_its_attestations(ana: Shell, tmp_path: Path) -> None:
    ana.ok("attest", "--type", "provenance")
    folder = ana.folder
    (tmp_path / "target").mkdir()
    ana.folder = tmp_path / "target"
    ana.ok("init")
    ana.ok("import", str(folder))
    assert [each["type"] for each in ana.ok("attest", "v2", "--list", "--json").json["attestations"]] == [SLSA]
    assert ana("verify", "v2", "--attested", "provenance", "--json").json["attestations"][0]["status"] == "good"


def test_an_export_has_the_envelopes(ana: Shell, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = ana("export", "v2", str(out), "--attestations")
    assert (said.code, out.exists()) == (1, False)
    ana.ok("attest", "--type", "provenance")
    ana.ok("attest", "--type", "scan")
    key = pem(tmp_path / "key.pem", ec.generate_private_key(ec.SECP256R1()))
    said = ana.ok("export", "v2", str(out), "--attestations", "--sign", "oms", "--key", str(key))
    assert "with attestations.intoto.jsonl" in said.out
    lines = (out / "attestations.intoto.jsonl").read_text().splitlines()
    listed = ana.ok("attest", "v2", "--list", "--json").json["attestations"]
    assert [json.loads(line) for line in lines] == [each["envelope"] for each in listed]
    payload = json.loads(base64.b64decode(json.loads((out / "model.sig").read_text())["dsseEnvelope"]["payload"]))
    signed = {each["name"]: each["digest"] for each in payload["predicate"]["resources"]}
    data = (out / "attestations.intoto.jsonl").read_bytes()
    assert signed["attestations.intoto.jsonl"] == hashlib.sha256(data).hexdigest()
    assert ana("export", "v2", str(tmp_path / "hf"), "--hf", "--attestations").code == 2
    mvc.open(ana.folder).model(MODEL)["v2"].export(tmp_path / "api", attestations=True)
    assert (tmp_path / "api" / "attestations.intoto.jsonl").read_bytes() == data


def test_without_the_extra_a_clear_error(ana: Shell) -> None:
    code = (
        "import sys; sys.modules['cryptography'] = None; from mvc.cli.app.main import run; sys.exit(run(sys.argv[1:]))"
    )
    ana.ok("sign")
    ana.ok("attest", "--type", "provenance")
    for words, expected in ((["attest", "--type", "scan"], 2), (["verify"], 0)):
        bare = subprocess.run(
            [sys.executable, "-c", code, *words], cwd=ana.folder, capture_output=True, text=True, check=False
        )
        assert bare.returncode == expected, bare.stderr
        assert ("modelvc[sign]" in bare.stderr) == (expected == 2)
