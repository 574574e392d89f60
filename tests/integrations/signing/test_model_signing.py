"""The verifier of OpenSSF Model Signing accepts signed exports, and refuses them with a file changed, added or removed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.cli.shell import Shell, begin


def verified(folder: Path, public: Path) -> bool:
    words = ["verify", "key", str(folder), "--signature", str(folder / "model.sig"), "--public_key", str(public)]
    done = subprocess.run([sys.executable, "-m", "model_signing", *words], capture_output=True, text=True, check=False)
    assert ("Verification succeeded" in done.stdout) is (done.returncode == 0), done
    return done.returncode == 0


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("nets/wéights.bin", b"weights" * 10_000)
    shell.write("nets/b", b"")
    shell.ok("add", "nets", "--as", "nets")
    shell.commit("one")
    return shell


def test_their_verifier_accepts_an_export_and_no_other_folder(shell: Shell, tmp_path: Path) -> None:
    private, public, other = (tmp_path / name for name in ("key.pem", "key.pub", "other.pub"))
    key, folder = ec.generate_private_key(ec.SECP256R1()), tmp_path / "out"
    pkcs8 = serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption()))
    for path, each in ((public, key), (other, ec.generate_private_key(ec.SECP256R1()))):
        info = serialization.PublicFormat.SubjectPublicKeyInfo
        path.write_bytes(each.public_key().public_bytes(serialization.Encoding.PEM, info))
    shell.ok("export", "v1", str(folder), "--sign", "oms", "--key", str(private))
    assert verified(folder, public)
    assert not verified(folder, other)
    (folder / "more").write_bytes(b"")
    assert not verified(folder, public)
    (folder / "more").unlink()
    weights = folder / "nets" / "wéights.bin"
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + b"!")
    assert not verified(folder, public)
    weights.unlink()
    assert not verified(folder, public)
