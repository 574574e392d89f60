"""Names in a Keras configuration: what Keras itself has, and what it would import.

    module "keras.layers", class_name "Dense"                      Keras's own class
    module "builtins", class_name "function", config "relu"        one of Keras's own functions
    module "my_team", class_name "Attention"                       code that has to be installed
    module "keras.utils", class_name "function", config "get_file" a function that does not belong to a model

Source: keras/src/saving/serialization_lib.py of Keras 3.
"""

from __future__ import annotations

from mvc.scan.formats.references import is_hostile

ROOTS = frozenset({"keras", "keras_core", "keras_cv", "keras_hub", "keras_nlp", "tf_keras"})
_PARTS = frozenset({
    "activations", "applications", "backend", "constraints", "dtype_policies", "initializers", "layers", "losses",
    "metrics", "mixed_precision", "models", "ops", "optimizers", "quantizers", "random", "regularizers",
})  # fmt: skip
"""Modules of Keras with what a model consists of."""
_FUNCTIONS = _PARTS - {"applications", "backend", "layers", "models"}
_UTILITIES = frozenset({"keras.utils.Cross", "keras.utils.Feature", "keras.utils.FeatureSpace"})
_INNER = ("src", "python", "engine", "api", "_tf_keras", "legacy", "_legacy", "v2", "core", "keras")
_TYPES = frozenset({
    "NoneType", "bool", "bytes", "complex", "dict", "ellipsis", "float", "function", "int", "list", "set", "slice", "str",
    "tuple",
})  # fmt: skip
OPTIMIZERS = frozenset({
    "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lion", "LossScaleOptimizer", "Nadam", "RMSprop", "SGD",
})  # fmt: skip
"""Optimizers that Keras 2 registers without a package, as `Custom>Adam`."""
OBJECTS = frozenset({
    "__bytes__", "__complex__", "__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__", "__tensor__", "__tuple__",
    "__typespec__", "CompileConfig", "DTypePolicy", "Policy", "SharedObjectConfig", "TensorShape", "TypeSpec", "dtype",
})  # fmt: skip
"""Class names by which Keras writes values."""


def kind(module: str, class_name: str, function: str) -> str:
    """Return `own`, `code` or `hostile` for a class or function; `function` is the name of one, `""` for a class."""
    if not function and class_name[:1].islower() and module.partition(".")[0] in ROOTS:
        function = class_name  # where Keras expects a class, it takes a function as well
    name = f"{module}.{function or class_name}"
    if module in ("builtins", ""):
        is_own = class_name in _TYPES or class_name in OBJECTS
        return "own" if is_own and (not function or _is_name(function)) else "hostile"
    parts = module.split(".")
    if parts[0] == "tensorflow" and "keras" in parts:
        parts = parts[parts.index("keras") :]
    if parts[0] not in ROOTS:
        return "hostile" if is_hostile(name) else "code"
    if name in _UTILITIES:
        return "own"
    inner = [part for part in parts[1:] if part not in _INNER]
    if function:
        return "own" if inner and inner[0] in _FUNCTIONS and _is_name(function) else "hostile"
    is_part = not inner or inner[0] in _PARTS or parts[0] in ("keras_cv", "keras_hub", "keras_nlp")
    return "own" if is_part and _is_name(class_name.rpartition(">")[2]) else "hostile"


def _is_name(text: str) -> bool:
    return text.isidentifier() and not text.startswith("__")


_TF_PARTS = frozenset({
    "__operators__", "audio", "bitwise", "image", "linalg", "math", "nn", "quantization", "ragged", "random", "sets",
    "signal", "sparse", "strings",
})  # fmt: skip
_TF_FUNCTIONS = frozenset({
    "abs", "acos", "acosh", "add", "add_n", "argmax", "argmin", "argsort", "asin", "asinh", "atan", "atan2", "atanh",
    "batch_to_space", "bitcast", "boolean_mask", "broadcast_static_shape", "broadcast_to", "cast", "clip_by_global_norm",
    "clip_by_norm", "clip_by_value", "complex", "concat", "constant", "convert_to_tensor", "cos", "cosh", "cumsum",
    "divide", "dynamic_partition", "dynamic_stitch", "edit_distance", "eig", "einsum", "equal", "exp", "expand_dims",
    "eye", "fill", "floor", "gather", "gather_nd", "gradients", "greater", "greater_equal", "histogram_fixed_width",
    "identity", "identity_n", "is_tensor", "less", "less_equal", "linspace", "logical_and", "logical_not", "logical_or",
    "matmul", "maximum", "meshgrid", "minimum", "multiply", "negative", "no_op", "norm", "not_equal", "one_hot", "ones",
    "ones_like", "pad", "pow", "range", "rank", "realdiv", "recip", "reduce_all", "reduce_any", "reduce_logsumexp",
    "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum", "repeat", "reshape", "reverse",
    "reverse_sequence", "roll", "round", "saturate_cast", "scalar_mul", "scatter_nd", "searchsorted", "sequence_mask",
    "shape", "shape_n", "sigmoid", "sign", "sin", "sinh", "size", "slice", "sort", "space_to_batch", "split", "sqrt",
    "square", "squeeze", "stack", "stop_gradient", "strided_slice", "subtract", "switch_case", "tan", "tanh",
    "tensor_scatter_nd_update", "tensordot", "tile", "transpose", "truediv", "tuple", "unique", "unstack", "where",
    "zeros", "zeros_like",
})  # fmt: skip


def is_operation(function: str) -> bool:
    """Return whether a function of TensorFlow that a layer applies only computes."""
    parts = function.removeprefix("tf.").removeprefix("compat.v1.").split(".")
    if not all(part.isidentifier() for part in parts):
        return False
    return (
        parts[0] in _TF_FUNCTIONS if len(parts) == 1 else parts[0] in _TF_PARTS or function.startswith("keras.backend.")
    )
