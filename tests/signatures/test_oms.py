"""Exports with a signature of OpenSSF Model Signing; `tests/integrations/signing` has its own verifier judge them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

import mvc
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
