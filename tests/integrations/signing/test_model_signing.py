"""OpenSSF Model Signing and mvc accept what the other one signed, and refuse it with a file changed, added or removed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import model_signing
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.cli.shell import Shell, begin

ALGORITHMS: list[Literal["sha256", "blake2", "blake3"]] = ["sha256", "blake2", "blake3"]


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


def test_mvc_accepts_what_their_signer_made_and_no_other_folder(shell: Shell, tmp_path: Path) -> None:
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    key, folder = ec.generate_private_key(ec.SECP384R1()), tmp_path / "model"
    pkcs8, info = serialization.PrivateFormat.PKCS8, serialization.PublicFormat.SubjectPublicKeyInfo
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, info))
    (folder / "nets").mkdir(parents=True)
    weights = folder / "nets" / "wéights.bin"
    weights.write_bytes(b"weights" * 10_000)
    (folder / "config.json").write_bytes(b"{}")
    (folder / ".gitattributes").write_bytes(b"* text")
    signature = folder / "model.sig"

    def judged() -> int:
        return shell("verify", "--oms", str(folder), "--key", str(public)).code

    def by_their_cli() -> None:
        words = ["sign", "key", str(folder), "--signature", str(signature), "--private_key", str(private)]
        subprocess.run([sys.executable, "-m", "model_signing", *words], capture_output=True, check=True)

    def by_their_api(algorithm: Literal["sha256", "blake2", "blake3"]) -> None:
        hashing = model_signing.hashing.Config().use_file_serialization(hashing_algorithm=algorithm)
        hashing.set_ignored_paths(paths=[signature], ignore_git_paths=True)
        signing = model_signing.signing.Config().use_elliptic_key_signer(private_key=private)
        signing.set_hashing_config(hashing).sign(folder, signature)

    alone = tmp_path / "alone.bin"
    alone.write_bytes(b"weights")
    words = ["sign", "key", str(alone), "--signature", str(tmp_path / "alone.sig"), "--private_key", str(private)]
    subprocess.run([sys.executable, "-m", "model_signing", *words], capture_output=True, check=True)
    given = ["verify", "--oms", str(alone), "--key", str(public), "--signature", str(tmp_path / "alone.sig")]
    assert shell(*given).code == 0
    alone.write_bytes(b"Weights")
    assert shell(*given).code == 14
    ways: list[Callable[[], None]] = [by_their_cli]
    ways += [partial(by_their_api, name) for name in ALGORITHMS]
    for sign in ways:
        signature.unlink(missing_ok=True)
        sign()
        data = weights.read_bytes()
        assert judged() == 0
        (folder / "more").write_bytes(b"")
        assert judged() == 14
        (folder / "more").unlink()
        weights.write_bytes(data[:-1] + b"!")
        assert judged() == 14
        weights.unlink()
        assert judged() == 14
        weights.write_bytes(data)
        assert judged() == 0
