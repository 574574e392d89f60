"""PyTorch's archives: tensors under the names that a state dict has; what the pickle says is checked, and nothing is run."""

from __future__ import annotations

import json
import sys
import time
import zipfile
from collections.abc import Mapping

import pytest

from mvc.formats import torch
from mvc.formats.header import Header
from mvc.formats.source import HeaderError
from mvc.formats.syntax import pickle_text
from mvc.model.segment import Segment, listed
from tests import effort
from tests.formats import pickles
from tests.formats.archives import archive, unpacked
from tests.formats.headers import DATA, header_of, refusal, segments, source
from tests.formats.pickles import checkpoint, mapping, named, number, numbers, storage, tensor, text

STATE = {
    "embedding.weight": (6, 4), "layers.0.weight": (4, 4), "layers.0.bias": (4,), "layers.1.weight": (4, 4),
    "norm.weight": (4,), "norm.bias": (4,), "norm.running_mean": (4,), "norm.running_var": (4,),
    "norm.num_batches_tracked": (),
}  # fmt: skip
OUTSIDE = 1 << 62


def shapes(name: str) -> dict[str, tuple[int, ...] | None]:
    return {name: each.shape for name, each in segments(name).items()}


@pytest.mark.parametrize("name", ["state.pt", "module.pth", "script.jit"])
def test_a_state_dict_a_pickled_module_and_a_script_have_the_same_names(name: str) -> None:
    assert shapes(name) == STATE
    assert {each.dtype for each in segments(name).values()} == {"F32", "I64"}


def tensors(data: bytes) -> dict[str, Segment]:
    return {each.name: each for each in listed(header_of(data).segments)}


def test_tied_weights_are_one_segment_and_listed_under_both_names() -> None:
    assert "head.weight" not in segments("state.pt")
    found = tensors((DATA / "state.pt").read_bytes())
    embedding, head = found["embedding.weight"], found["head.weight"]
    assert (head.shape, head.dtype, head.offset, head.size) == ((6, 4), "F32", embedding.offset, embedding.size)
    assert len(found) == len(segments("state.pt")) + 1


def test_tensors_over_parts_of_a_storage_are_listed_with_their_shapes() -> None:
    found = tensors((DATA / "views.pt").read_bytes())
    names = ("row", "overlapping.0", "overlapping.1", "slice", "transposed")
    assert {name: (found[name].shape, found[name].strides, found[name].size) for name in names} == {
        "row": ((4,), None, 16),
        "overlapping.0": ((8,), None, 32),
        "overlapping.1": ((6,), None, 24),
        "slice": ((3,), None, 12),
        "transposed": ((3, 2), (1, 3), 24),
    }
    assert found["row"].offset == found["whole"].offset + 16


def test_a_tensor_with_channels_last_has_its_shape() -> None:
    view = tensor(storage("0", 24), 0, (1, 2, 3, 4), (24, 1, 8, 2))
    (found,) = tensors(checkpoint(mapping({"conv": view}), {"0": bytes(96)})).values()
    assert (found.shape, found.strides, found.size) == ((1, 2, 3, 4), (1, 1, 8, 2), 96)


def test_scales_of_a_tensor_quantised_per_channel_have_its_name() -> None:
    weight = storage("0", 6, "torch QInt8Storage")
    scales, zeros = (
        tensor(storage("1", 2, "torch DoubleStorage"), 0, (2,), (1,)),
        tensor(storage("2", 2), 0, (2,), (1,)),
    )
    quantizer = pickles.group(pickles.named("torch per_channel_affine"), scales, zeros, number(0))
    parts = (weight, number(0), pickles.numbers(2, 3), pickles.numbers(3, 1), quantizer, pickles.FALSE, pickles.NONE)
    data = checkpoint(
        mapping({"fc": pickles.call("torch._utils _rebuild_qtensor", *parts)}),
        {"0": bytes(6), "1": bytes(16), "2": bytes(8)},
    )
    found = {name: (each.dtype, each.shape) for name, each in tensors(data).items()}
    assert found == {"fc": ("I8", (2, 3)), "fc.scales": ("F64", (2,)), "fc.zero_points": ("F32", (2,))}


def test_only_so_many_views_of_a_storage_are_listed() -> None:
    parts = mapping({str(number): tensor(storage("0", 6), 0, (2,), (1,)) for number in range(1500)})
    assert len(tensors(checkpoint(parts, {"0": bytes(24)}))) == 1000


def test_the_bytes_are_those_of_the_storage() -> None:
    data = (DATA / "state.pt").read_bytes()
    with zipfile.ZipFile(DATA / "state.pt") as file:
        found = segments("state.pt")["embedding.weight"]
        assert data[found.offset : found.end] == file.read("state/data/0")


def test_a_checkpoint_has_the_optimizer_too() -> None:
    found = shapes("checkpoint.ckpt")
    assert {name.removeprefix("model.") for name in found if name.startswith("model.")} == STATE.keys()
    states = [name for name in found if name.startswith("optimizer.state.")]
    assert len(states) == 6 * 3
    assert found["optimizer.state.0.exp_avg"] == (6, 4)


def test_views_are_tensors_where_they_tile_their_storage() -> None:
    found = {name: (each.dtype, each.shape, each.size) for name, each in segments("views.pt").items()}
    assert found == {
        "whole": ("F32", (3, 4), 48),
        "tiles.0": ("F32", (4,), 16),
        "tiles.1": ("F32", (2, 4), 32),
        "overlapping.0": ("F32", None, 48),
        "slice": ("F32", None, 40),
        "transposed": ("F32", None, 24),
        "parameter": ("F32", (3,), 12),
        "empty": ("F32", (0, 3), 0),
        "scalar": ("I64", (), 8),
        "bf16": ("BF16", (5,), 10),
        "u16": ("U16", (5,), 10),
        "f8": ("F8_E4M3", (5,), 5),
        "sparse.1.0": ("I64", (2, 3), 48),
        "sparse.1.1": ("F32", (3,), 12),
        "": ("F32", (2,), 8),
    }


def test_numbers_of_a_big_endian_machine_are_of_no_known_kind() -> None:
    members = unpacked(DATA / "state.pt") | {"state/byteorder": b"big"}
    assert {each.dtype for each in header_of(archive(members)).segments} == {""}


def test_storages_have_no_names_when_the_pickle_cannot_be_read() -> None:
    broken = {"state/data.pkl": b"\x80\2no pickle."}
    found = header_of(archive(unpacked(DATA / "state.pt") | broken)).segments
    assert len(found) == len(STATE)
    assert {(each.name, each.dtype, each.shape) for each in found} == {("", "", None)}


def test_compressed_storages_are_not_looked_at() -> None:
    data = archive(unpacked(DATA / "state.pt"), zipfile.ZIP_DEFLATED)
    assert header_of(data) == Header("torch", ())


WEIGHT = tensor(storage("0", 6), 0, (2, 3), (3, 1))


@pytest.mark.parametrize(
    ("root", "names"),
    [
        (WEIGHT, [""]),
        (mapping({"a": mapping({"b.c": WEIGHT})}), ["a.b.c"]),
        (mapping({"a": pickles.call("torch._utils _rebuild_parameter", WEIGHT, pickles.FALSE, pickles.NONE)}), ["a"]),
        (mapping({"a": pickles.call("evil run", WEIGHT, text("rm"))}), ["a.0"]),
        (mapping({"a": pickles.call("torch._utils _rebuild_tensor_v2", number(1))}), [""]),
        (mapping({"x" * 2000: WEIGHT}), [""]),
        (mapping({"a": pickles.call("torch._utils _rebuild_tensor_v2", text("0"), *[pickles.NONE] * 5)}), [""]),
    ],
)
def test_names_are_paths(root: bytes, names: list[str]) -> None:
    assert [each.name for each in header_of(checkpoint(root, {"0": bytes(24)})).segments] == names


@pytest.mark.parametrize(
    ("kind", "dtype", "shape", "size"),
    [
        ("float8_e4m3fnuz", "F8_E4M3FNUZ", (2, 3), 6),
        ("float8_e5m2fnuz", "F8_E5M2FNUZ", (2, 3), 6),
        ("float8_e5m2", "F8_E5M2", (2, 3), 6),
        ("complex32", "C32", (2, 3), 24),
        ("float4_e2m1fn_x2", "F4", (2, 6), 6),  # two numbers a byte, which PyTorch counts as one
    ],
)
def test_dtypes_without_a_storage_class_keep_their_names(
    kind: str, dtype: str, shape: tuple[int, ...], size: int
) -> None:
    held = storage("0", size, "torch.storage UntypedStorage")
    rest = (number(0), numbers(2, 3), numbers(3, 1), pickles.FALSE, pickles.NONE, named(f"torch {kind}"))
    root = mapping({"a": pickles.call("torch._utils _rebuild_tensor_v3", held, *rest)})
    (found,) = header_of(checkpoint(root, {"0": bytes(size)})).segments
    assert (found.name, found.dtype, found.shape, found.size) == ("a", dtype, shape, size)


def test_nothing_is_imported_or_run() -> None:
    evil = pickles.call("antigravity fly", text("x")) + b"0" + pickles.call("os system", text("exit 1")) + b"0"
    modules = set(sys.modules)
    assert refusal(torch.read, checkpoint(evil + WEIGHT, {"0": bytes(24)})) == ""
    assert set(sys.modules) == modules


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        (tensor(storage("0", 5), 0, (5,), (1,)), "the size in its pickle"),
        (tensor(storage("0", -6), 0, (5,), (1,)), "outside"),
        (tensor(storage("0", OUTSIDE), 0, (6,), (1,)), "the size in its pickle"),
        (tensor(storage("0", 6), 1, (6,), (1,)), "outside"),
        (tensor(storage("0", 6), -1, (6,), (1,)), "outside"),
        (tensor(storage("0", 6), OUTSIDE, (1,), (1,)), "outside"),
        (tensor(storage("0", 6), 0, (2,), (OUTSIDE,)), "outside"),
        (tensor(storage("0", 6), 0, (6,), (-1,)), "shape"),
        (tensor(storage("0", 6), 0, (-6,), (1,)), "shape"),
        (tensor(storage("0", 6), 0, (OUTSIDE, OUTSIDE), (1, 1)), "elements"),
        (tensor(storage("0", 6), 0, (1,) * 65, (1,) * 65), "shape"),
        (mapping({"\ud800": WEIGHT}), "not valid Unicode"),
    ],
)
def test_refuses_tensors_outside_of_their_storage(view: bytes, reason: str) -> None:
    assert reason in refusal(torch.read, checkpoint(view, {"0": bytes(24)}))


def test_members_that_lie_in_each_other_are_refused() -> None:
    data = checkpoint(WEIGHT, {"0": bytes(24), "1": bytes(24)})
    first, second = data.index(b"run/data/0"), data.index(b"run/data/1")
    copied = data[:first] + b"run/data/1" + data[first + 10 :]
    place = copied.rindex(b"run/data/1") - 4
    lying = copied[:place] + (first - 30).to_bytes(4, "little") + copied[place + 4 :]
    assert second > first
    assert refusal(torch.read, lying)


SELF = b"]q\0h\0a"  # a list that holds itself
DOUBLED = b"N" + b"\x86".join([pickles.DUP] * 10_000)  # (x, x) of (x, x) of …
BOMBS = {
    "itself": SELF,
    "doubled": DOUBLED,
    "deep tuples": b"N" + b"\x85" * 500_000,
    "deep dicts": b"".join([b"}q\1X\1\0\0\0a"] * 50_000) + pickles.NONE + b"s" * 50_000,
    "marks": b"(" * 900_000,
    "memo": b"N" + b"".join(b"r" + at.to_bytes(4, "little") for at in range(300_000)),
    "lists": b"](" + b"]" * 900_000 + b"e",
    "opcodes": b"N0" * 600_000 + b"N",
    "text": b"X\xff\xff\xff\xff",
    "text of 8 bytes length": b"\x8d" + b"\xff" * 8,
    "number": b"\x8b\xff\xff\xff\x7f",
    "digits": b"I" + b"9" * 100_000 + b"\n",
    "negative memo": b"N" + b"p-5\n" + b"g-5\n",
    "nothing to take": b"0",
    "nothing to tuple": b"\x87",
    "nothing to mark": b"t",
    "nothing memoized": b"h\7",
    "into a number": number(1) + text("a") + text("b") + b"s",
    "into a tuple": b")Na",
    "odd pairs": b"}(Nu",
    "state of nothing": b"NNb",
    "object": b"(" + b"o",
    "buffer": b"\x97",
    "extension": b"\x82\1",
    "persistent": b"Pkey\n",
    "frame": b"\x95" + b"\xff" * 8,
    "wide view": tensor(storage("0", 6), 0, (2,) * 60, (1,) * 60),
    "shared view": b"](" + WEIGHT + b"q\0" + b"h\0" * 300_000 + b"e",
}


@pytest.mark.parametrize("root", BOMBS.values(), ids=BOMBS)
def test_bombs_cost_little_time(root: bytes) -> None:
    begin = time.process_time()
    refusal(torch.read, checkpoint(root, {"0": bytes(24)}))
    assert time.process_time() - begin < effort.HANG


def test_a_pickle_of_too_many_operations_is_not_read() -> None:
    with pytest.raises(HeaderError, match="opcodes"):
        pickle_text.read(BOMBS["opcodes"] + pickles.STOP)


def test_two_tensors_of_equal_place_and_other_shape_are_one() -> None:
    root = mapping({"a": WEIGHT, "b": tensor(storage("0", 6), 0, (6,), (1,))})
    found = header_of(checkpoint(root, {"0": bytes(24)})).segments
    assert [(each.name, each.shape) for each in found] == [("a", (2, 3))]


def test_what_a_script_keeps_as_constants_is_found() -> None:
    members = {"run/data/0": bytes(24), "run/data.pkl": b"\x80\2" + mapping({"a": WEIGHT}) + b"."}
    constants = {"run/constants/0": bytes(24), "run/constants.pkl": b"\x80\2" + pickles.group(WEIGHT) + b"."}
    assert [each.name for each in header_of(archive(members | constants)).segments] == ["a", "constants.0"]


def test_strides_of_one_row_do_not_matter() -> None:
    found = header_of(checkpoint(tensor(storage("0", 6), 0, (1, 6), (99, 1)), {"0": bytes(24)})).segments
    assert found[0].shape == (1, 6)


@pytest.mark.parametrize("name", ["state.pt", "script.jit"])
def test_cut_off_anywhere(name: str) -> None:
    data = (DATA / name).read_bytes()
    for length in range(0, len(data), 7):
        assert refusal(torch.read, data[:length])


def test_other_archives_are_left_alone() -> None:
    for name in ("data.csv", "data.pkl", "folder/picture.png"):
        data = archive({name: b"1"})
        assert not torch.matches(data[:16], source(data, "model.pt"))


def test_a_program_of_torch_export_has_the_names_of_its_state_dict() -> None:
    found = {name: (each.dtype, each.shape) for name, each in segments("program.pt2").items()}
    assert found == {name: (each.dtype, each.shape) for name, each in segments("state.pt").items()}


CONFIG = "run/data/weights/model_weights_config.json"
META = {"dtype": 7, "sizes": [{"as_int": 2}, {"as_int": 3}], "strides": [{"as_int": 3}, {"as_int": 1}]}


def program(config: object, **storages: bytes) -> bytes:
    """A program whose member `config` names the storages."""
    text = config if isinstance(config, bytes) else json.dumps({"config": config}).encode()
    return archive({f"run/data/weights/{name}": data for name, data in storages.items()} | {CONFIG: text})


def of_program(meta: Mapping[str, object], **more: object) -> bytes:
    meta = {**META, "storage_offset": {"as_int": 0}, **meta}
    tensor = {"path_name": "weight_0", "use_pickle": False, "tensor_meta": meta, **more}
    return program({"fc.weight": tensor}, weight_0=bytes(24))


def test_a_tensor_of_a_program_has_its_own_member() -> None:
    (found,) = header_of(of_program({})).segments
    assert (found.name, found.dtype, found.shape, found.size) == ("fc.weight", "F32", (2, 3), 24)


def test_a_strided_tensor_of_a_program_has_dtype_and_shape() -> None:
    (found,) = tensors(of_program({"strides": [{"as_int": 1}, {"as_int": 2}]})).values()
    assert (found.name, found.dtype, found.shape, found.strides) == ("fc.weight", "F32", (2, 3), (1, 2))


@pytest.mark.parametrize(
    "data",
    [
        program(b"{" * 100_000, weight_0=bytes(24)),
        program(b"[" * 100_000, weight_0=bytes(24)),
        program(b"[" + b"{}," * 600_000 + b"{}]", weight_0=bytes(24)),
        program(b"not JSON", weight_0=bytes(24)),
        program([1, 2], weight_0=bytes(24)),
        program({"a": None, "b": {"path_name": 1}}, weight_0=bytes(24)),
        of_program({}, use_pickle=True),
        of_program({}, tensor_meta=None),
        of_program({"sizes": [{"as_expr": "s0"}, {"as_int": 3}]}),
        of_program({"sizes": [{"as_int": 1 << 62}] * 2}),
        of_program({"sizes": [{"as_int": -2}, {"as_int": 3}]}),
        of_program({"strides": [{"as_int": 1}]}),
        of_program({"storage_offset": {"as_int": -1}}),
        of_program({"storage_offset": {"as_int": True}}),
    ],
)
def test_a_program_without_usable_names_has_storages(data: bytes) -> None:
    assert [each.name for each in header_of(data).segments if each.size == 24] == [""]


def test_a_tensor_of_a_program_outside_its_storage_is_refused() -> None:
    for meta in ({"storage_offset": {"as_int": 1}}, {"strides": [{"as_int": OUTSIDE}, {"as_int": 1}]}):
        assert "outside" in refusal(torch.read, of_program(meta))
