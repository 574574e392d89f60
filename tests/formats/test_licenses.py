"""What files say about their license: headers, model cards, texts; hostile ones say nothing."""

from __future__ import annotations

import io
import json
import pickle
import random
import struct
import zipfile

import pytest

from mvc.formats.metadata import licenses
from tests.formats.headers import DATA, source
from tests.formats.test_metadata import message, number

AGPL = "AGPL-3.0 (https://ultralytics.com/license)"


def onnx(text: str) -> bytes:
    return number(1, 8) + message(7) + message(14, message(1, "license"), message(2, text))


def safetensors(**metadata: str) -> bytes:
    header = json.dumps({"__metadata__": metadata, "w": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}).encode()
    return struct.pack("<Q", len(header)) + header + b"\1"


def gguf(**texts: str) -> bytes:
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    pairs = [text("tokens") + struct.pack("<IIQ", 9, 8, 1) + text("a"), text("general.size") + struct.pack("<II", 4, 7)]
    pairs += [text(key.replace("_", ".")) + struct.pack("<I", 8) + text(value) for key, value in texts.items()]
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + b"".join(pairs)


def torch(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"best/{name}", content)
    return data.getvalue()


CHECKPOINT = torch({"data.pkl": pickle.dumps({"epoch": 3, "license": AGPL}, 2), "version": b"3\n"})
_CONFIG = {"extra/config.txt": json.dumps({"license": AGPL}).encode()}
SCRIPT = torch({**_CONFIG, "data/0": b"0" * 64, "code/a.py": b"", "constants.pkl": pickle.dumps((), 2)})
OTHER_ARCHIVE = torch({**_CONFIG, "a.txt": b""})
_PICKLES: tuple[object, ...] = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, {"license": AGPL}, [])
LEGACY = b"".join(pickle.dumps(each, 2) for each in _PICKLES)
MIT = b"Permission is hereby granted, free of charge, to any person obtaining a copy of this software, if the above copyright notice and this permission notice"

SAID = [
    ("best.onnx", onnx(AGPL), "metadata_props.license", "AGPL-3.0"),
    ("model.safetensors", safetensors(license="apache-2.0"), "__metadata__.license", "Apache-2.0"),
    ("lora.safetensors", safetensors(**{"modelspec.license": "MIT"}), "__metadata__.modelspec.license", "MIT"),
    ("q4.gguf", gguf(general_license="llama3.1"), "general.license", "LicenseRef-Llama-3.1-Community"),
    ("q8.gguf", gguf(general_license="other", general_license_name="MIT"), "general.license.name", "MIT"),
    ("best.pt", CHECKPOINT, "license", "AGPL-3.0"),
    ("weights", CHECKPOINT, None, None),
    ("pytorch_model.bin", CHECKPOINT, "license", "AGPL-3.0"),
    ("old.pth", LEGACY, "license", "AGPL-3.0"),
    ("best.torchscript", SCRIPT, "license", "AGPL-3.0"),
    ("best.torchscript", OTHER_ARCHIVE, None, None),
    ("README.md", b"---\nlicense: apache-2.0\n---\n# Helmets", "license", "Apache-2.0"),
    ("readme.md", b"---\nlicense: other\nlicense_name: gemma\n---\n", "license_name", "LicenseRef-Gemma"),
    ("README.md", b"---\nlicense: [mit, apache-2.0]\n---\n", "license", "mit OR apache-2.0"),
    ("export/metadata.yaml", f"license: {AGPL}\nstride: 32\n".encode(), "license", "AGPL-3.0"),
    ("LICENSE", MIT, "text", "MIT"),
    ("docs/LICENCE-MIT.txt", MIT, "text", "MIT"),
    ("COPYING", b"GNU GENERAL PUBLIC LICENSE\nVersion 2, June 1991", "text", "GPL-2.0"),
    ("best.onnx", onnx("our own terms"), "metadata_props.license", ""),
    ("best.onnx", onnx("unknown"), None, None),
    ("README.md", b"# Helmets", None, None),
    ("README.md", b"---\nlicense: [\n---\n", None, None),
    ("LICENSE", b"Ask Ana.", None, None),
    ("license.py", MIT, None, None),
]


@pytest.mark.parametrize(("path", "data", "place", "expression"), SAID)
def test_a_file_names_its_license(path: str, data: bytes, place: str | None, expression: str | None) -> None:
    claims = licenses.read(source(data, path)) if licenses.is_possible(path) else ()
    said = [(claim.path, claim.place, claim.license.expression) for claim in claims]
    wanted = {"mit OR apache-2.0": "MIT OR Apache-2.0"}.get(expression or "", expression)
    assert said == ([] if place is None else [(path, place, wanted)])


def test_changed_bytes_never_raise(rng: random.Random) -> None:
    for path, data, _, _ in SAID:
        for _ in range(30):
            changed = bytearray(data)
            for _ in range(rng.randint(1, 4)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            licenses.read(source(bytes(changed[: rng.choice([len(changed), rng.randrange(len(changed))])]), path))


@pytest.mark.parametrize("path", [path for path in DATA.iterdir() if path.is_file()], ids=lambda path: path.name)
def test_files_of_every_format_name_none(path: object) -> None:
    data = (DATA / str(path)).read_bytes()
    assert licenses.read(source(data, str(path))) == ()
