"""Exports with a signature of OpenSSF Model Signing; `tests/integrations/signing` has its own verifier judge them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

import mvc
from mvc.model import ids
from mvc.repository.signatures import oms
from mvc.repository.signatures.oms import OmsKey
from tests.cli.shell import MODEL, Shell, begin

CURVES = {ec.SECP256R1(): hashes.SHA256(), ec.SECP384R1(): hashes.SHA384(), ec.SECP521R1(): hashes.SHA512()}


def pem(path: Path, key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, password: bytes | None = None) -> Path:
    hidden = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden))
    return path


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A version with files in folders."""
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("nets/wéights.bin", b"weights" * 10_000)
    shell.write("args.yaml", b"lr: 1\n")
    shell.ok("add", "nets/wéights.bin", "--as", "weights")
    shell.ok("add", "args.yaml", "--as", "args")
    shell.commit("one")
    return shell


def test_an_export_has_a_signature_of_all_its_files(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    for number, (curve, hash_) in enumerate(CURVES.items()):
        key, folder = ec.generate_private_key(curve), tmp_path / f"out{number}"
        pem(path, key)
        link = ["--link"] if number else []
        shell.ok("export", "v1", str(folder), "--sign", "oms", "--key", str(path), *link)
        bundle = json.loads((folder / "model.sig").read_text())
        envelope = bundle["dsseEnvelope"]
        payload = base64.b64decode(envelope["payload"])
        kind = envelope["payloadType"].encode()
        signed = b" ".join([b"DSSEv1", b"%d" % len(kind), kind, b"%d" % len(payload), payload])
        signature = base64.b64decode(envelope["signatures"][0]["sig"])
        key.public_key().verify(signature, signed, ec.ECDSA(hash_))
        with pytest.raises(InvalidSignature):
            key.public_key().verify(signature, signed + b" ", ec.ECDSA(hash_))
        statement = json.loads(payload)
        resources = statement["predicate"]["resources"]
        files = sorted(each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file())
        assert [each["name"] for each in resources] == [name for name in files if name != "model.sig"]
        for each in resources:
            assert each["digest"] == hashlib.sha256((folder / each["name"]).read_bytes()).hexdigest()
        whole = hashlib.sha256(b"".join(bytes.fromhex(each["digest"]) for each in resources)).hexdigest()
        assert statement["subject"] == [{"name": folder.name, "digest": {"sha256": whole}}]
        id_ = shell.ok("rev-parse", "v1").out.strip()
        assert [each["annotations"] for each in resources if "annotations" in each] == [{"mvc.version": id_}]
    done = mvc.open(shell.folder).model(MODEL)["v1"].export(tmp_path / "again", oms_key=path)
    assert done.signature == "model.sig"


def test_what_cannot_be_signed_is_refused_before_anything_is_written(shell: Shell, tmp_path: Path) -> None:
    keys = [
        pem(tmp_path / "ed.pem", ed25519.Ed25519PrivateKey.generate()),
        pem(tmp_path / "locked.pem", ec.generate_private_key(ec.SECP256R1()), b"secret"),
        pem(tmp_path / "other.pem", ec.generate_private_key(ec.SECP256K1())),
        tmp_path / "lost.pem",
    ]
    for key in keys:
        said = shell("export", "v1", str(tmp_path / "out"), "--sign", "oms", "--key", str(key))
        assert (said.code, str(key) in said.err) == (2, True)
    assert shell("export", "v1", str(tmp_path / "out"), "--sign", "oms").code == 2
    assert shell("export", "v1", str(tmp_path / "out"), "--key", str(keys[0])).code == 2
    shell.write(".gitattributes", b"* text\n")
    shell.ok("add", ".gitattributes", "--as", "git-attributes")
    shell.commit("two")
    good = pem(tmp_path / "good.pem", ec.generate_private_key(ec.SECP256R1()))
    said = shell("export", "v2", str(tmp_path / "out"), "--sign", "oms", "--key", str(good))
    assert (said.code, ".gitattributes" in said.err) == (17, True)  # verifiers ignore it: it would not be signed
    assert not (tmp_path / "out").exists()
    code = (
        "import sys; sys.modules['cryptography'] = None; from mvc.cli.app.main import run; sys.exit(run(sys.argv[1:]))"
    )
    words = ["export", "v1", str(tmp_path / "out"), "--sign", "oms", "--key", str(good)]
    bare = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=shell.folder,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (bare.returncode, "modelvc[sign]" in bare.stderr) == (2, True)


@pytest.fixture
def signed(shell: Shell, tmp_path: Path) -> tuple[Path, Path]:
    """A folder with the signature of an export, and the public key."""
    key, folder = ec.generate_private_key(ec.SECP256R1()), tmp_path / "out"
    shell.ok("export", "v1", str(folder), "--sign", "oms", "--key", str(pem(tmp_path / "key.pem", key)))
    return folder, public(tmp_path / "key.pub", key)


def public(path: Path, key: ec.EllipticCurvePrivateKey) -> Path:
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    path.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, info))
    return path


def verify(shell: Shell, folder: Path, key: Path) -> tuple[int, list[str]]:
    """The exit code, and what differs."""
    said = shell("verify", "--oms", str(folder), "--key", str(key), "--json")
    assert "Traceback" not in said.err
    if not said.out:
        return said.code, []
    return said.code, [f"{name} {path}" for name in ("changed", "missing", "extra") for path in said.json[name]]


def test_a_signed_folder_is_verified_without_a_repository(
    shell: Shell, signed: tuple[Path, Path], tmp_path: Path, rng: random.Random
) -> None:
    folder, key = signed
    id_ = shell.ok("rev-parse", "v1").out.strip()
    shell.folder = tmp_path
    assert verify(shell, folder, key) == (0, [])
    assert f"version {id_[:10]} of mvc" in shell.ok("verify", "--oms", "out", "--key", "key.pub").out
    assert mvc.verify_files(folder, key=key).version == id_
    weights = folder / "nets" / "wéights.bin"
    data = weights.read_bytes()
    at = rng.randrange(len(data))
    weights.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    assert verify(shell, folder, key) == (14, ["changed nets/wéights.bin"])
    weights.unlink()
    assert verify(shell, folder, key) == (14, ["missing nets/wéights.bin"])
    weights.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_bytes(data)
    assert verify(shell, folder, key) == (14, ["missing nets/wéights.bin", "extra nets/wéights.bin"][1:])
    weights.unlink()
    weights.write_bytes(data)
    for name in (".gitattributes", "nets/more", ".git/config", "model.sig.old"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")
        assert verify(shell, folder, key) == (14, [f"extra {name}"])
        (folder / name).unlink()
    assert verify(shell, folder, key) == (0, [])
    (folder / "model.sig").rename(tmp_path / "sig")
    assert shell("verify", "--oms", "out", "--key", "key.pub", "--signature", "sig").code == 0
    assert verify(shell, folder, key) == (14, [])  # without a signature
    os.mkfifo(folder / "pipe")
    assert shell("verify", "--oms", "out", "--key", "key.pub", "--signature", "sig").code == 14


def test_a_pipe_that_nobody_writes_to_and_a_missing_folder_are_errors(
    shell: Shell, signed: tuple[Path, Path], tmp_path: Path
) -> None:
    folder, key = signed
    said = shell("verify", "--oms", str(tmp_path / "lost"), "--key", str(key))
    assert (said.code, f"No file or folder {tmp_path}/lost" in said.err) == (2, True)
    (folder / "model.sig").unlink()
    os.mkfifo(folder / "model.sig")
    assert shell("verify", "--oms", str(folder), "--key", str(key)).code == 14
    assert shell("verify", "--oms", str(folder), "--key", str(folder / "model.sig")).code == 2
    uri = "https://example.org/tests/v1"
    said = shell("attest", "v1", "--type", str(folder / "model.sig"), "--predicate-type", uri, "--key", str(key))
    assert (said.code, "it is not JSON" in said.err) == (2, True)
    said = shell("export", "v1", str(tmp_path / "other"), "--sign", "oms", "--key", str(folder / "model.sig"))
    assert (said.code, "is not a private key" in said.err) == (2, True)


def test_no_byte_of_a_signature_can_be_another(
    shell: Shell, signed: tuple[Path, Path], tmp_path: Path, rng: random.Random, deep: bool
) -> None:
    folder, key = signed
    path = folder / "model.sig"
    bundle = json.loads(path.read_text())
    envelope = bundle["dsseEnvelope"]
    for field, data in (
        ("payload", base64.b64decode(envelope["payload"])),
        ("sig", base64.b64decode(envelope["signatures"][0]["sig"])),
    ):
        for at in range(len(data)) if deep else rng.sample(range(len(data)), 12):
            text = base64.b64encode(data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]).decode()
            changed = (
                {**envelope, "payload": text} if field == "payload" else {**envelope, "signatures": [{"sig": text}]}
            )
            path.write_text(json.dumps({**bundle, "dsseEnvelope": changed}))
            assert verify(shell, folder, key) == (14, []), (field, at)
    other = public(tmp_path / "other.pub", ec.generate_private_key(ec.SECP256R1()))
    path.write_text(json.dumps(bundle))
    assert verify(shell, folder, other) == (1, [])
    path.write_text(json.dumps({**bundle, "verificationMaterial": {"publicKey": {}}}))
    assert (verify(shell, folder, key), verify(shell, folder, other)) == ((0, []), (14, []))
    wrongs: tuple[Any, ...] = (
        {},
        [],
        {**bundle, "verificationMaterial": {"certificate": {}}},
        {**bundle, "dsseEnvelope": {**envelope, "payloadType": "text/plain"}},
        {**bundle, "dsseEnvelope": {**envelope, "payload": "!"}},
        {**bundle, "dsseEnvelope": {**envelope, "signatures": envelope["signatures"] * 2}},
        {**bundle, "dsseEnvelope": {**envelope, "signatures": []}},
    )
    for wrong in wrongs:
        path.write_text(json.dumps(wrong))
        assert verify(shell, folder, key) == (14, [])
    for wrong_key in (tmp_path / "lost", tmp_path / "key.pem"):
        assert verify(shell, folder, wrong_key) == (2, [])


def test_a_statement_is_read_strictly(shell: Shell, signed: tuple[Path, Path], tmp_path: Path) -> None:
    """Statements that a key signed, and that are not of this format or contradict themselves."""
    folder, key = signed
    path = folder / "model.sig"
    private = OmsKey(tmp_path / "key.pem")
    payload = json.loads(base64.b64decode(json.loads(path.read_text())["dsseEnvelope"]["payload"]))
    predicate = payload["predicate"]
    resources, serialization_ = predicate["resources"], predicate["serialization"]

    def judged(**changes: Any) -> tuple[int, list[str]]:
        whole = {**payload, **changes}
        path.write_bytes(oms.bundle(json.dumps(whole).encode(), private))
        return verify(shell, folder, key)

    assert judged() == (0, [])
    contradictions: tuple[dict[str, Any], ...] = (
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"predicateType": "https://model_signing/Digests/v0.1"},
        {"subject": []},
        {"subject": [{"name": "x", "digest": {"sha256": "0" * 64}}]},
        {"predicate": {**predicate, "resources": resources[:-1]}},
        {"predicate": {**predicate, "resources": [*resources, resources[0]]}},
        {"predicate": {**predicate, "serialization": {**serialization_, "method": "shards"}}},
        {"predicate": {"resources": resources}},
    )
    for changes in contradictions:
        assert judged(**changes) == (14, []), changes
    unknown = [{**each, "algorithm": "md5"} for each in resources]
    assert judged(predicate={**predicate, "resources": unknown})[0] == 14
    (folder / ".gitignore").write_bytes(b"")
    ignoring = {**serialization_, "ignore_paths": [".gitignore", "/", "../out", "."]}
    assert judged(predicate={**predicate, "serialization": ignoring}) == (0, [])
    said = shell.ok("verify", "--oms", str(folder), "--key", str(key))
    assert "not covered: .gitignore" in said.out
    for name, digest in {"blake2b": lambda data: hashlib.blake2b(data).hexdigest(), "blake3": ids.digest}.items():
        hashed = [
            {**each, "algorithm": name, "digest": digest((folder / each["name"]).read_bytes())} for each in resources
        ]
        root = hashlib.sha256(b"".join(bytes.fromhex(each["digest"]) for each in hashed)).hexdigest()
        subject = [{"name": "x", "digest": {"sha256": root}}]
        parts = {**predicate, "resources": hashed, "serialization": ignoring}
        assert judged(subject=subject, predicate=parts) == (0, []), name
        (folder / "args.yaml").write_bytes(b"lr: 2\n")
        assert judged(subject=subject, predicate=parts) == (14, ["changed args.yaml"]), name
        (folder / "args.yaml").write_bytes(b"lr: 1\n")


def test_a_key_of_openssh_signs_and_any_other_key_is_named_with_what_makes_one(shell: Shell, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = tmp_path / "id_ecdsa", tmp_path / "key.pub"
    openssh, plain = serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, openssh, plain))
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, info))
    shell.ok("export", "v1", str(tmp_path / "out"), "--sign", "oms", "--key", str(private))
    shell.ok("verify", "--oms", str(tmp_path / "out"), "--key", str(public))
    ed25519_key = tmp_path / "id_ed25519"
    ed25519_key.write_bytes(
        ed25519.Ed25519PrivateKey.generate().private_bytes(serialization.Encoding.PEM, openssh, plain)
    )
    for path, reason in (
        (ed25519_key, "is a key of another kind"),
        (pem(tmp_path / "hidden.pem", key, b"secret"), "is protected by a passphrase"),
        (public, "is not a private key in PEM or of OpenSSH"),
        (tmp_path / "lost", "cannot read"),
    ):
        said = shell("export", "v1", str(tmp_path / "no"), "--sign", "oms", "--key", str(path))
        assert (said.code, reason in said.err, "`openssl ecparam" in said.err) == (2, True, True), said
        assert "ssh-agent" not in said.err  # it cannot sign this
    for words, message in (
        (["--sign", "oms"], "--sign oms needs --key FILE"),
        (["--key", str(private)], "--key FILE needs --sign oms"),
        (["--sign", "oms", "--key", str(private), "--hf"], "cannot be used with --hf"),
    ):
        said = shell("export", "v1", str(tmp_path / "no"), *words)
        assert (said.code, message in said.err) == (2, True), said
