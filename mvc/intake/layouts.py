"""The layouts of run folders, one per trainer: the files by which each is known, and what each file is for.

    Ultralytics    weights/best.pt  weights/last.pt  args.yaml  results.csv
    Lightning      checkpoints/*.ckpt  hparams.yaml  metrics.csv           in version_N
    Transformers   model.safetensors  config.json  trainer_state.json      in checkpoint-N
    plain          weights with a known suffix, and files with values

A pattern that ends with `/` is a folder. Sources: the trainer, logger and callback modules of Ultralytics 8 (and YOLOv5),
Lightning 2 and Transformers 4, which write these names.
"""

from __future__ import annotations

from enum import Enum

from mvc.deferred import dataclass
from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.intake.listing import Listing
from mvc.model.toml.value_file import LABELMAP, METRICS, PARAMETERS

LATEST = "model-latest"
"""The role of the model's weights, by which `mvc check` finds them."""


class Purpose(Enum):
    """What a file of a run is for."""

    WEIGHTS = "weights"
    OTHER_WEIGHTS = "other weights"
    VALUES = "values"


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a run: its role, its patterns below the run folder, the preferred one first, and `why` it is tracked.

    With `every`, each match is a part of its own, with a role after its name. A `sharded` one is tracked by its pattern.
    `sections` are those of model.toml whose values it has.
    """

    role: str
    patterns: tuple[str, ...]
    why: str
    purpose: Purpose = Purpose.VALUES
    every: bool = False
    sharded: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout: it is recognised by all patterns of one of its `signs`."""

    name: str
    signs: tuple[tuple[str, ...], ...]
    parts: tuple[Part, ...]

    @property
    def weights(self) -> Part:
        """The part with the model's weights."""
        return self.parts[0]


def _weights(*stems: str) -> tuple[str, ...]:
    return tuple(f"{folder}{stem}{suffix}" for stem in stems for folder in ("", "*/") for suffix in WEIGHT_SUFFIXES)


def _values(*stems: str, suffixes: tuple[str, ...] = (".yaml", ".yml", ".json", ".toml")) -> tuple[str, ...]:
    return tuple(f"{stem}{suffix}" for stem in stems for suffix in suffixes)


ULTRALYTICS = Layout(
    "Ultralytics",
    (("args.yaml", "weights/"), ("args.yaml", "results.csv"), ("opt.yaml", "hyp.yaml")),
    (
        Part(LATEST, ("weights/best.pt", "weights/last.pt"), "best weights", Purpose.WEIGHTS),
        Part("last", ("weights/last.pt",), "weights of the last epoch", Purpose.OTHER_WEIGHTS),
        Part("", ("weights/best.*", "weights/best_*_model/", "weights/best.mlpackage/"), "exported weights", Purpose.OTHER_WEIGHTS, every=True),
        Part("args", ("args.yaml", "opt.yaml"), "settings of the training", sections=(PARAMETERS,)),
        Part("hyp", ("hyp.yaml",), "hyperparameters"),
        Part("results", ("results.csv",), "metrics by epoch", sections=(METRICS,)),
    ),
)  # fmt: skip
FITNESS = ("metrics/mAP50-95(B)", "metrics/mAP_0.5:0.95", "metrics/accuracy_top1")
"""The columns of results.csv by which Ultralytics chooses best.pt: of detection, of YOLOv5, of classification."""
LIGHTNING = Layout(
    "Lightning",
    (("hparams.yaml", "checkpoints/"), ("metrics.csv", "checkpoints/"), ("hparams.yaml", "metrics.csv"),
     ("hparams.yaml", "events.out.tfevents.*")),
    (
        Part(LATEST, ("checkpoints/best*.ckpt", "checkpoints/*.ckpt"), "best weights", Purpose.WEIGHTS),
        Part("last", ("checkpoints/last*.ckpt",), "last checkpoint", Purpose.OTHER_WEIGHTS),
        Part("hparams", ("hparams.yaml",), "hyperparameters", sections=(PARAMETERS,)),
        Part("metrics", ("metrics.csv",), "metrics by epoch", sections=(METRICS,)),
    ),
)  # fmt: skip
_SHARDS = ("model-*-of-*.safetensors", "pytorch_model-*-of-*.bin")
TRANSFORMERS = Layout(
    "Transformers",
    (("trainer_state.json",), ("config.json", "training_args.bin"), ("adapter_config.json", "training_args.bin"),
     ("config.json", "model.safetensors")),
    (
        Part(LATEST, ("model.safetensors", "adapter_model.safetensors", "pytorch_model.bin", "adapter_model.bin", *_SHARDS),
             "weights", Purpose.WEIGHTS, sharded=_SHARDS),
        Part("weights-index", ("model.safetensors.index.json", "pytorch_model.bin.index.json"), "the parts of the weights"),
        Part("config", ("config.json", "adapter_config.json"), "architecture and classes", sections=(LABELMAP,)),
        Part("preprocessor", ("preprocessor_config.json", "processor_config.json"), "preprocessing of images"),
        Part("trainer-state", ("trainer_state.json",), "metrics by step", sections=(PARAMETERS, METRICS)),
        Part("training-args", ("training_args.bin",), "settings of the training"),
    ),
)  # fmt: skip
CHECKPOINTS = "checkpoint-*/"
"""The folders of checkpoints in the output folder of Transformers."""
PLAIN = Layout(
    "plain folder",
    (),
    (
        Part(LATEST, _weights("best*", "model*", "last*", "*"), "weights", Purpose.WEIGHTS),
        Part("last", _weights("last*"), "last weights", Purpose.OTHER_WEIGHTS),
        Part("parameters", _values("args", "params", "parameters", "hparams", "hyperparameters", "hyp", "config", "opt"), "settings, by its name", sections=(PARAMETERS,)),
        Part("metrics", _values("results", "metrics", "scores", "eval*", suffixes=(".csv", ".json", ".yaml", ".yml")), "metrics, by its name", sections=(METRICS,)),
        Part(LABELMAP, _values("data", "labels", "labelmap", "classes", "names", suffixes=(".yaml", ".yml", ".json", ".txt", ".names")), "classes, by its name", sections=(LABELMAP,)),
    ),
)  # fmt: skip
"""A folder without the signs of a trainer, which has at least one file of weights."""
LAYOUTS = (ULTRALYTICS, LIGHTNING, TRANSFORMERS)
"""In the order in which they are tried."""
LOOKED = (
    "weights/best.pt with args.yaml (Ultralytics), checkpoints/*.ckpt with hparams.yaml (Lightning), "
    "model.safetensors with trainer_state.json (Transformers), files with a suffix of weights such as .pt"
)
"""What makes a folder a run, for messages."""
STATE = "trainer_state.json"
"""The file of a checkpoint of Transformers, which names the best one."""
NO_WEIGHTS = ("optimizer.*", "scheduler.*", "scaler.*", "rng_state*", "training_args.bin")
"""Names with a suffix of weights that no model has."""


def of(found: Listing) -> Layout | None:
    """Return the layout of the trainer whose signs a folder has; None if it has none."""
    signed = (layout for layout in LAYOUTS if any(all(map(found.has, signs)) for signs in layout.signs))
    return next(signed, None)
