"""What PyTorch and ONNX write is judged by what they would run: programs that use files are hostile, others are not."""

from __future__ import annotations

from pathlib import Path

import onnx  # type: ignore[import-not-found,unused-ignore]
import pytest
import torch

from mvc.scan.verdict import Verdict
from tests.scan.formats.cases import Case, broken, report

pytestmark = pytest.mark.filterwarnings("ignore")  # of PyTorch itself: TorchScript is deprecated


class Net(torch.nn.Module):  # type: ignore[misc]
    """A small network with layers of several kinds, and a branch."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, 4, 3)
        self.norm = torch.nn.BatchNorm2d(4)
        self.linear = torch.nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.convolution(x))).mean((2, 3))
        return torch.softmax(self.linear(x), -1)


class Sizes(torch.nn.Module):  # type: ignore[misc]
    """A computation with the size of its input."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.where(x > 0, x, y).sum(0) * x.shape[0] + torch.arange(x.shape[0]).sum()


def saves(x: torch.Tensor) -> torch.Tensor:
    torch.save(x, "ran")
    return x


def reads(x: torch.Tensor) -> torch.Tensor:
    return torch.from_file("secret", False, 2, dtype=torch.uint8)


def scanned(path: Path) -> tuple[Verdict, tuple[str, ...]]:
    got = report(Case(path.name, path.read_bytes()))
    return got.verdict, broken(got)


def test_programs_of_torchscript_that_use_files_are_hostile_and_really_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("secret").write_bytes(b"ab")
    for function in (saves, reads):
        torch.jit.save(torch.jit.script(function), "program.pt")
        result = torch.jit.load("program.pt")(torch.ones(2))
        assert Path("ran").exists()
        assert result.tolist() == ([1.0, 1.0] if function is saves else [97, 98])
        verdict, rules = scanned(Path("program.pt"))
        assert verdict is Verdict.HOSTILE
        assert "torchscript-files" in rules


def test_other_programs_of_torchscript_are_code(tmp_path: Path) -> None:
    net, x = Net().eval(), torch.zeros(1, 3, 8, 8)
    for name, program in {"script": torch.jit.script(net), "trace": torch.jit.trace(net, x)}.items():
        torch.jit.save(program, tmp_path / f"{name}.pt")
        verdict, rules = scanned(tmp_path / f"{name}.pt")
        assert verdict is Verdict.CODE
        assert "torchscript-program" in rules


def test_programs_of_torch_export_are_plain(tmp_path: Path) -> None:
    net, x = Net().eval(), torch.zeros(1, 3, 8, 8)
    batch = torch.export.Dim("batch", min=2, max=64)
    pair = (torch.zeros(4, 3), torch.zeros(4, 3))
    programs = {
        "net": torch.export.export(net, (x,)),
        "decomposed": torch.export.export(net, (x,)).run_decompositions(),
        "sizes": torch.export.export(Sizes(), pair, dynamic_shapes={"x": {0: batch}, "y": {0: batch}}),
    }
    for name, program in programs.items():
        torch.export.save(program, tmp_path / f"{name}.pt2")
        assert scanned(tmp_path / f"{name}.pt2") == (Verdict.PLAIN, ())


def test_models_that_the_exporters_of_pytorch_write_are_plain(tmp_path: Path) -> None:
    net, x = Net().eval(), torch.zeros(1, 3, 8, 8)
    torch.onnx.export(net, (x,), tmp_path / "new.onnx", dynamo=True)
    assert scanned(tmp_path / "new.onnx") == (Verdict.PLAIN, ())


def test_external_tensors_and_custom_operators_of_the_onnx_package_are_reported(tmp_path: Path) -> None:
    tensor = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [2], bytes(8), raw=True)
    onnx.external_data_helper.set_external_data(tensor, "../outside.bin")
    tensor.ClearField("raw_data")
    node = onnx.helper.make_node("Gelu2", ["w"], ["y"], domain="my.ops")
    graph = onnx.helper.make_graph([node], "g", [], [onnx.helper.make_empty_tensor_value_info("y")], [tensor])
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    assert scanned(path) == (Verdict.HOSTILE, ("onnx-domain", "onnx-outside"))
