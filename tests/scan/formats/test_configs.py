"""Configurations: what Keras, transformers, Hydra and PyYAML would import or call by a text."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from mvc.scan.formats import json_text, keras_config, model_config, model_text, texts, xml_text
from mvc.scan.verdict import Verdict
from tests.scan.formats.cases import Case, broken, check, report


def obj(
    class_name: str, config: object, module: str | None = "keras.layers", registered: str | None = None
) -> dict[str, Any]:
    """An object as Keras 3 writes it."""
    return {"module": module, "class_name": class_name, "config": config, "registered_name": registered}


def function(name: str, module: str = "builtins") -> dict[str, Any]:
    return obj("function", name, module, "function" if module == "builtins" else name)


def model(*layers: object) -> bytes:
    """The `config.json` of a `.keras` file."""
    first = obj("InputLayer", {"batch_shape": [None, 4], "dtype": "float32", "name": "input"})
    root = obj(
        "Sequential",
        {"name": "net", "dtype": obj("DTypePolicy", {"name": "float32"}, "keras"), "layers": [first, *layers]},
        "keras",
    )
    return json.dumps(root).encode()


def dense(**more: object) -> dict[str, Any]:
    kernel = obj("GlorotUniform", {"seed": None}, "keras.initializers")
    return obj("Dense", {"name": "d", "units": 4, "activation": "relu", "kernel_initializer": kernel, **more})


def typed(module: str, name: str) -> dict[str, Any]:
    """The type of a tensor of TensorFlow."""
    return {"class_name": "__typespec__", "spec_name": name, "module": module, "config": ["a"], "registered_name": None}


def old(*layers: Mapping[str, object]) -> bytes:
    """A configuration of Keras 2, without modules."""
    return json.dumps(
        {"class_name": "Sequential", "config": {"name": "s", "layers": layers}, "keras_version": "2.4.0"}
    ).encode()


CODE = ["4wEAAAAAAAAA", None, None]
KERAS_HOSTILE = {
    "lambda": (model(obj("Lambda", {"function": obj("__lambda__", {"value": CODE}, "builtins")})), "keras-lambda"),
    "lambda as an activation": (
        model(dense(activation=obj("__lambda__", {"value": CODE}, "builtins"))),
        "keras-lambda",
    ),
    "lambda of keras 2": (
        old({"class_name": "Lambda", "config": {"function": CODE, "function_type": "lambda"}}),
        "keras-lambda",
    ),
    "lambda without a type": (old({"class_name": "Lambda", "config": {"function": CODE}}), "keras-lambda"),
    "lambda as its source": (
        old({"class_name": "Lambda", "config": {"function": "lambda x: eval('1')", "function_type": "function"}}),
        "keras-lambda",
    ),
    "lambda as a shape": (
        old(
            {"class_name": "Lambda", "config": {"function": None, "output_shape": CODE, "output_shape_type": "lambda"}}
        ),
        "keras-lambda",
    ),
    "package in the class name": (old({"class_name": "x>Lambda", "config": {"function": CODE}}), "keras-lambda"),
    "function of the system": (model(dense(activation=function("system", "os"))), "keras-import"),
    "class of Python": (model(obj("Popen", {"args": "id"}, "subprocess")), "keras-import"),
    "module inside of another": (model(obj("function", "system", "keras.src.utils.os")), "keras-import"),
    "name with a dot": (model(obj("function", "os.system", "keras.activations")), "keras-import"),
    "download": (model(dense(activation=function("get_file", "keras.utils"))), "keras-import"),
    "loading": (model(dense(activation=function("load_model", "keras.saving"))), "keras-import"),
    "unsafe mode": (model(dense(activation=function("enable_unsafe_deserialization", "keras.config"))), "keras-import"),
    "builtin class": (model(obj("eval", "1", "builtins")), "keras-import"),
    "torch": (model(dense(activation=function("load", "torch"))), "keras-import"),
    "lambda by name": (
        old({"class_name": "Lambda", "config": {"function": "system", "module": "os", "function_type": "function"}}),
        "keras-import",
    ),
    "type of a tensor": (model(dense(type_spec=typed("os", "system"))), "keras-import"),
    "download as a type": (model(dense(type_spec=typed("keras.utils", "get_file"))), "keras-import"),
    "function as a class": (model(obj("load_model", {"filepath": "x"}, "keras.models")), "keras-import"),
    "vocabulary": (model(obj("StringLookup", {"vocabulary": "/etc/passwd"})), "keras-file"),
    "vocabulary of text": (model(obj("TextVectorization", {"vocabulary": "../secret.txt"})), "keras-file"),
    "vocabulary of keras 2": (old({"class_name": "IntegerLookup", "config": {"vocabulary": "gs://x/y"}}), "keras-file"),
    "torch module": (
        model(obj("TorchModuleWrapper", {"module": {"class_name": "__bytes__", "config": {"value": "gAI="}}})),
        "keras-wrapped",
    ),
    "saved model": (model(obj("TFSMLayer", {"filepath": "/tmp/x"})), "keras-wrapped"),
    "operation": (old({"class_name": "TFOpLambda", "config": {"function": "io.write_file"}}), "keras-operation"),
    "raw operation": (old({"class_name": "TFOpLambda", "config": {"function": "raw_ops.ReadFile"}}), "keras-operation"),
    "operation of a node": (
        old({"class_name": "TensorFlowOpLayer", "config": {"node_def": 'name: "w" op: "WriteFile" input: "a"'}}),
        "keras-operation",
    ),
    "in the compile config": (
        json.dumps(
            obj("Functional", {}, "keras") | {"compile_config": {"loss": function("run", "subprocess")}}
        ).encode(),
        "keras-import",
    ),
    "escaped": (model(obj("Lambda", {"function": CODE})).replace(b"Lambda", rb"\u004cambda"), "keras-lambda"),
    "utf-16": (json.dumps(obj("Lambda", {"function": CODE})).encode("utf-16"), "keras-lambda"),
}
KERAS_CODE = {
    "custom class": model(obj("Attention", {"heads": 2}, "my_team.layers", "Attention")),
    "custom function": model(dense(activation=function("swish2", "my_team.functions"))),
    "registered class": model(obj("Attention", {"heads": 2}, None, "my_team>Attention")),
    "class of a script": model(obj("Attention", {"heads": 2}, None, "Attention")),
}
KERAS_HONEST = {
    "type of a tensor": model(dense(type_spec=typed("tensorflow.python.framework.tensor", "TensorSpec"))),
    "dense": model(dense(), obj("Dropout", {"rate": 0.5, "seed": None})),
    "functions": model(
        dense(activation=function("relu"), bias_constraint=None), obj("Activation", {"activation": "gelu"})
    ),
    "lambda with a function of Keras": model(obj("Lambda", {"function": function("relu"), "arguments": {}})),
    "lookup with words": model(obj("StringLookup", {"vocabulary": ["a", "b"], "max_tokens": None})),
    "lookup without words": model(obj("TextVectorization", {"vocabulary": None, "split": "whitespace"})),
    "values": model(obj("Rescaling", {"scale": obj("__tensor__", {"value": [1.0], "dtype": "float32"}, "builtins")})),
    "inner modules": model(
        obj("BertBackbone", {}, "keras_hub.src.models.bert.bert_backbone", "keras_hub>BertBackbone")
    ),
    "legacy functional": model(obj("Functional", {"layers": []}, "keras.src.models.functional")),
    "optimizer of keras 2": old({"class_name": "Custom>Adam", "config": {"learning_rate": 0.001}}),
    "optimizer": json.dumps(
        obj("Sequential", {"layers": []}, "keras")
        | {"compile_config": {"optimizer": obj("Adam", {"learning_rate": 0.001}, "keras.optimizers"), "loss": "mse"}}
    ).encode(),
    "keras 2": old(
        {"class_name": "Conv2D", "config": {"activation": "relu"}},
        {"class_name": "TFOpLambda", "config": {"function": "math.add"}},
        {"class_name": "TFOpLambda", "config": {"function": "concat"}},
    ),
    "feature space": model(obj("FeatureSpace", {"features": {}}, "keras.utils")),
}

TORCHVISION = "torchvision.models.resnet.ResNet"
OTHER_HOSTILE = {
    "hydra": (Case("config.yaml", b"model:\n  _target_: os.system\n  command: id\n", ("config-import",))),
    "hydra in flow style": Case("config.yaml", b"{a: 1, '_target_': \"builtins.eval\"}", ("config-import",)),
    "hydra escaped": Case("config.yaml", b'"\\x5ftarget_": "subprocess.\\u0050open"\n', ("config-import",)),
    "hydra by json": Case("config.json", b'{"m": {"_target_": "shutil.rmtree", "path": "/"}}', ("config-import",)),
    "hydra through a library": Case("c.yaml", b"_target_: torch.serialization.os.system\n", ("config-import",)),
    "hydra through a team's module": Case("c.yaml", b"_target_: my_team.tools.os.system\n", ("config-import",)),
    "hydra of torch": Case("c.yaml", b"_target_: torch.hub.load\n", ("config-import",)),
    "diffusion": Case("v1.yaml", b"target: subprocess.run\nparams: {args: id}\n", ("config-import",)),
    "sentence module": Case("modules.json", b'[{"idx": 0, "type": "os.system"}]', ("config-import",)),
    "pipeline part": Case(
        "model_index.json", b'{"_class_name": "APipeline", "unet": ["subprocess", "Popen"]}', ("config-import",)
    ),
    "apply": Case("a.yaml", b"!!python/object/apply:os.mkdir [ran-0]\n", ("yaml-python",)),
    "new": Case("b.yaml", b"a: [1, !!python/object/new:os.mkdir [ran-1]]\n", ("yaml-python",)),
    "verbatim tag": Case("c.yaml", b"a: !<tag:yaml.org,2002:python/object/apply:os.mkdir> [ran-2]\n", ("yaml-python",)),
    "declared prefix": Case(
        "d.yaml", b"%TAG !p! tag:yaml.org,2002:python/object/\n---\n!p!apply:os.mkdir [ran-3]\n", ("yaml-python",)
    ),
    "without a suffix": Case("hparams", b"x: !!python/object/apply:os.mkdir [ran-4]\n", ("yaml-python",)),
    "utf-16": Case("e.yaml", "!!python/object/apply:os.mkdir [ran-5]\n".encode("utf-16"), ("yaml-python",)),
    "module": Case("f.yaml", b"!!python/module:os\n", ("yaml-python",)),
    "index above": Case(
        "model.safetensors.index.json", b'{"weight_map": {"a": "../../x.safetensors"}}', ("index-outside",)
    ),
    "index of the root": Case(
        "pytorch_model.bin.index.json", b'{"weight_map": {"a": "/etc/x.bin"}}', ("index-outside",)
    ),
    "jsonpickle": Case(
        "m.json", b'{"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["id"]}]}', ("jsonpickle",)
    ),
    "jsonpickle object": Case("m.json", b'{"py/object": "subprocess.Popen"}', ("config-import",)),
    "skops": Case(
        "schema.json", b'{"__class__": "system", "__module__": "os", "__loader__": "FunctionNode"}', ("config-import",)
    ),
    "entity": Case(
        "m.pmml",
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        ("xml-entity",),
    ),
    "escaped tag": Case("h.yaml", b"!!p%79thon/object/apply:os.mkdir [ran-6]\n", ("yaml-python",)),
    "escaped slash": Case("i.yaml", b"a: !!python%2Fobject/apply:os.mkdir [ran-7]\n", ("yaml-python",)),
    "escaped verbatim tag": Case(
        "j.yaml", b"a: !<tag:yaml.org,2002:p%79thon/object/apply:os.mkdir> [ran-8]\n", ("yaml-python",)
    ),
    "escaped prefix": Case(
        "k.yaml", b"%TAG !p! tag:yaml%2Eorg,2002:p%79thon/object/\n---\n!p!apply:os.mkdir [ran-9]\n", ("yaml-python",)
    ),
    "included": Case("hyperparams.yaml", b"x: !include:/etc/passwd\n", ("index-outside",)),
    "included above": Case("hyperparams.yaml", b"x: 1\ny: !include:../../secrets.yaml\n", ("index-outside",)),
    "speechbrain": Case("hyperparams.yaml", b"x: !apply:os.system\n  - id\n", ("config-import",)),
    "lightning": Case("config.yaml", b"model:\n  class_path: os.system\n", ("config-import",)),
    "yolo": Case(
        "yolo.yaml",
        b"activation: __import__('os').system('id') # nn.SiLU()\nbackbone: []\nhead: []\n",
        ("yaml-evaluated",),
    ),
    "yolo layer": Case("yolo.yaml", b'backbone:\n  - [-1, 1, "print (1)", [64]]\nhead: []\n', ("yaml-evaluated",)),
    "mlflow path": Case("MLmodel", b"flavors:\n  sklearn:\n    pickled_model: ../../x.pkl\n", ("index-outside",)),
    "entity in utf-16": Case(
        "m.txt",
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY % e PUBLIC "" "http://a/b">]><x/>'.encode("utf-16"),
        ("xml-entity",),
    ),
    "entity without a byte order mark": Case(
        "m.xml", '<!DOCTYPE x [<!ENTITY e SYSTEM "/etc/passwd">]><x/>'.encode("utf-16-le"), ("xml-entity",)
    ),
    "document type": Case("m", b'<!DOCTYPE x SYSTEM "http://a/b.dtd"><x/>', ("xml-entity",)),
    "inclusion": Case(
        "m.pmml",
        b'<x xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="/etc/passwd"/></x>',
        ("xml-inclusion",),
    ),
    "encoding": Case("m.pmml", b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE x', ("xml-encoding",)),
    "ebcdic": Case("m.pmml", "<?xml version='1.0'?><x/>".encode("cp037"), ("xml-encoding",)),
    "objects of Java": Case(
        "m.xml",
        b'<java class="java.beans.XMLDecoder"><object class="java.lang.ProcessBuilder"/></java>',
        ("xml-class",),
    ),
    "objects of XStream": Case("m.xml", b"<a><handler class='java.beans.EventHandler'/></a>", ("xml-class",)),
    "functions of Xalan": Case(
        "m.xsl", b'<x xmlns:rt="http://xml.apache.org/xalan/java/java.lang.Runtime"/>', ("xml-class",)
    ),
    "sharded weights of Keras": Case(
        "m.weights.json", b'{"weight_map": {"/layers/a/vars": ["../x.weights.h5"]}}', ("index-outside",)
    ),
    "prompt": Case("p.json", b'{"_type": "prompt", "template_path": "/etc/passwd"}', ("index-outside",)),
    "skops method": Case(
        "schema.json",
        b'{"__class__": "methodcaller", "__module__": "operator", "__loader__": "OperatorFuncNode"}',
        ("config-import",),
    ),
    "skops content": Case(
        "schema.json",
        b'{"__class__": "ufunc", "__module__": "numpy", "__loader__": "FunctionNode", "content": {"module_path": "os", "function": "system"}}',
        ("config-import",),
    ),
    "monty": Case("model.json", b'{"@module": "os", "@class": "system"}', ("config-import",)),
    "mxnet": Case(
        "m-symbol.json", b'{"nodes": [{"op": "_Native", "attrs": {"info": "0x41"}, "inputs": []}]}', ("mxnet-address",)
    ),
    "stable baselines": Case(
        "data",
        b'{"policy": {":serialized:": "!' + base64.b64encode(b"\x80\2cos\nsystem\nX\2\0\0\0id\x85R.") + b'"}}',
        ("pickle-call", "pickle-held"),
    ),
    "onnx as json": Case(
        "m.onnxjson",
        b'{"graph": {"initializer": [{"externalData": [{"key": "location", "value": "../x"}]}]}}',
        ("onnx-outside",),
    ),
    "onnx as text": Case(
        "m.textproto",
        b"graph { initializer { external_data { value: '/etc' # c\n '/passwd' key: \"loc\\141tion\" } } }",
        ("onnx-outside",),
    ),
    "onnx in its own syntax": Case("m.onnxtxt", b'<float[1] w = ["location": "/etc/passwd"]>', ("onnx-outside",)),
    "caffe, writing": Case("d.prototxt", b'layer { hdf5_output_param { file_name: "x" } }', ("caffe-output",)),
    "caffe, broken": Case("d.prototxt", b'layer { python_param { module: "a" $ } }', ("model-text",)),
    "class of a model": Case(
        "config.json", b'{"model": {"type": "subprocess.Popen", "args": "id"}}', ("config-import",)
    ),
    "factory of a log": Case("logging.json", b'{"handlers": {"a": {"()": "os.system"}}}', ("config-import",)),
    "class of a model in yaml": Case("c.yaml", b"model: {type: subprocess.Popen, args: id}\n", ("config-import",)),
    "class path": Case("config.json", b'{"class_path": "shutil.rmtree", "init_args": {}}', ("config-import",)),
    "cross-encoder": Case(
        "config.json", b'{"sentence_transformers": {"activation_fn": "os.abort"}}', ("config-import",)
    ),
    "langchain": Case("a.json", b'{"lc": 1, "type": "constructor", "id": ["subprocess", "run"]}', ("config-import",)),
    "gadget of Java": Case("m.json", b'{"@class": "javax.swing.JEditorPane", "page": "http://a"}', ("config-import",)),
    "gadget of Java in yaml": Case("m.yaml", b"!!javax.script.ScriptEngineManager [a]\n", ("yaml-foreign",)),
    "gadget of Ruby": Case("m.yaml", b"--- !ruby/object:Gem::Installer\ni: x\n", ("yaml-foreign",)),
    "gadget of .NET": Case(
        "m.json", b'{"$type": "System.Windows.Data.ObjectDataProvider, PresentationFramework"}', ("config-import",)
    ),
    "builtin of python": Case("m.yaml", b"a: !!python/name:exec\n", ("yaml-python",)),
    "yaml called json": Case("m.json", b"a: !!python/object/apply:os.mkdir [ran-10]\n", ("yaml-python",)),
    "library above": Case("config.pbtxt", b'name: "m"\nbackend: "../../tmp/x"\n', ("index-outside",)),
    "template in a text": Case("chat_template.txt", b"{{ ''.__class__ }}", ("template-underscore",)),
    "aliased key": Case("g.yaml", b"a: &k _target_\n*k : os.system\n", ("yaml-hidden",)),
    "nested": Case("x.json", b"[" * 200_000 + b"]" * 200_000, ("json-nested",)),
    "key twice": Case(
        "config.json",
        b'{"class_name": "Dense", "class_name": "Lambda", "config": {}}',
        ("json-key-twice",),
    ),
    "key twice, the first counts": Case(
        "config.json",
        b'{"_target_": "os.system", "_target_": "a"}',
        ("json-key-twice", "config-import", "custom-module"),
    ),
}
OTHER_CODE = {
    "auto map": Case("config.json", b'{"model_type": "x", "auto_map": {"AutoModel": "modeling_x.X"}}', ("auto-map",)),
    "auto map of a tokenizer": Case(
        "tokenizer_config.json", b'{"auto_map": {"AutoTokenizer": ["tok.T", null]}}', ("auto-map",)
    ),
    "auto map of another repository": Case(
        "config.json", b'{"auto_map": {"AutoModel": "user/repo--modeling.X"}}', ("auto-map",)
    ),
    "auto map escaped": Case("config.json", b'{"\\u0061uto_map": {"AutoModel": "m.X"}}', ("auto-map",)),
    "custom pipelines": Case("config.json", b'{"custom_pipelines": {"p": {"impl": "pipe.P"}}}', ("auto-map",)),
    "hydra": Case("model_config.yaml", b"_target_: nemo.collections.asr.models.EncDecCTCModel\n", ("custom-module",)),
    "sentence module": Case("modules.json", b'[{"idx": 0, "type": "custom_st.Transformer"}]', ("custom-module",)),
    "activation": Case("config.json", b'{"in_features": 4, "activation_function": "my.Act"}', ("custom-module",)),
    "mlflow": Case("MLmodel", b"flavors:\n  python_function:\n    loader_module: my_team.loader\n", ("custom-module",)),
    "pipeline": Case("model_index.json", b'{"_class_name": ["pipeline", "MyPipeline"]}', ("custom-module",)),
    "download": Case(
        "data.yaml", b"nc: 2\ndownload: |\n  from ultralytics.utils import download\n", ("yaml-download",)
    ),
    "yaml of a class": Case("hparams.yaml", b"loss: !!python/object/apply:my.losses.Focal [2]\n", ("yaml-classes",)),
    "yaml of a function": Case("mkdocs.yml", b"a: !!python/name:material.to_svg\n", ("yaml-classes",)),
    "download by a shell": Case("data.yaml", b"nc: 2\ndownload: bash get.sh\n", ("yaml-download",)),
    "skops": Case(
        "schema.json", b'{"__class__": "T", "__module__": "my.mod", "__loader__": "ObjectNode"}', ("custom-module",)
    ),
    "speechbrain": Case("hyperparams.yaml", b"x: !new:my.nets.Net\n  size: 3\n", ("custom-module",)),
    "lightning": Case("config.yaml", b"model:\n  class_path: my.Net\n", ("custom-module",)),
    "gin": Case("operative_config.gin", b"import my.layers\nmain.x = 1\n", ("custom-module",)),
    "kernel": Case(
        "config.json",
        b'{"attn_implementation": {"": "sdpa", "text_config": "user/kernel@main:fn"}}',
        ("kernel-download",),
    ),
    "library": Case("genai_config.json", b'{"session_options": {"custom_ops_library": "x.so"}}', ("config-library",)),
    "zarr": Case(".zarray", b'{"zarr_format": 2, "filters": [{"id": "pickle", "protocol": 5}]}', ("zarr-pickle",)),
    "monty": Case("model.json", b'{"@module": "my.models", "@class": "Net"}', ("custom-module",)),
    "spark": Case("metadata", b'{"class": "my.Net", "uid": "a", "paramMap": {}}', ("custom-module",)),
    "rasa": Case("metadata.json", b'{"nodes": {"a": {"uses": "my.Policy", "fn": "load"}}}', ("custom-module",)),
    "mxnet": Case(
        "m-symbol.json",
        b'{"nodes": [{"op": "Custom", "attrs": {"op_type": "crop"}, "inputs": []}]}',
        ("custom-module",),
    ),
    "megatron": Case(
        "adapter_config.json", b'{"megatron_config": {"a": 1}, "megatron_core": "my.core"}', ("custom-module",)
    ),
    "skops method": Case(
        "schema.json",
        b'{"__class__": "SVC", "__module__": "sklearn.svm", "__loader__": "MethodNode"}',
        ("custom-module",),
    ),
    "pipeline of another class": Case(
        "model_index.json", b'{"_class_name": "A", "unet": ["my", "Net"]}', ("custom-module",)
    ),
    "caffe": Case(
        "d.prototxt", b'layer { type: "Python" python_param { module: "my" layer: "Crop" } }', ("custom-module",)
    ),
    "onnx as text": Case("m.pbtxt", b'graph { node { op_type: "Crop" domain: "my" } }', ("onnx-domain",)),
    "onnx in its own syntax": Case("m.onnxtxt", b"{ y = my.Crop(x) }", ("onnx-domain",)),
    "onnx as json": Case("m.json", b'{"graph": {"node": [{"opType": "Crop", "domain": "my"}]}}', ("onnx-domain",)),
    "kernel of another key": Case(
        "config.json", b'{"_attn_implementation_internal": "user/kernel"}', ("kernel-download",)
    ),
    "class path": Case("config.json", b'{"class_path": "my.Net"}', ("custom-module",)),
    "cross-encoder": Case("config.json", b'{"sbert_ce_default_activation_function": "my.Act"}', ("custom-module",)),
    "tokenizer of words": Case("config.json", b'{"tokenizer_class": "my.Tokenizer"}', ("custom-module",)),
    "router": Case("config.json", b'{"types": {"1": "my.Module"}, "structure": {"q": ["1"]}}', ("custom-module",)),
    "custom imports": Case("c.json", b'{"custom_imports": {"imports": "my.ops"}}', ("custom-module",)),
    "custom imports in yaml": Case("c.yaml", b"custom_imports:\n  imports:\n  - my.ops\n", ("custom-module",)),
    "langchain": Case("a.json", b'{"lc": 1, "type": "constructor", "id": ["my", "Tool"]}', ("custom-module",)),
    "class of Java": Case("m.json", b'{"@class": "org.team.Layer"}', ("custom-module",)),
    "class of .NET": Case("m.json", b'{"$type": "My.Layer, My"}', ("custom-module",)),
    "spacy": Case("config.cfg", b'[nlp.before_creation]\n@callbacks = "team.v1"\n', ("custom-module",)),
    "module of pickles": Case("pickle_module_info.txt", b"my_pickle", ("custom-module",)),
    "environment": Case(
        "config.pbtxt", b'parameters: { key: "EXECUTION_ENV_PATH" value: { string_value: "/x" } }', ("config-library",)
    ),
    "picture with a script": Case("m.svg", b"<svg xmlns='a'><script>fetch('http://a')</script></svg>", ("xml-script",)),
    "picture with a handler": Case("m.svg", b'<svg xmlns="a" ONLOAD = "alert(1)"/>', ("xml-script",)),
    "library of layers": Case(
        "m.xml",
        b'<?xml version="1.0"?><net><layer type="A"><data library="/tmp/a.so"/></layer></net>',
        ("xml-library",),
    ),
    "function of Java": Case("m.pmml", b'<PMML><Apply function="org.team.F"/></PMML>', ("xml-library",)),
    "adapter": Case("adapter_config.json", b'{"auto_mapping": {"parent_library": "my.lib"}}', ("custom-module",)),
}
HIDDEN_KEY = b'"\\u0061uto_map"'
OTHER_HONEST = [
    Case("m.svg", b"<svg xmlns='a'><style>a</style><g class='on' onx='1'/><title>script</title></svg>"),
    Case("m.pmml", b'<PMML><Apply function="x-if"/><Apply function="lessThan"/></PMML>'),
    Case(
        "m.xml",
        b'<?xml version="1.0"?><net><layer type="Const" version="opset1"><data offset="0" library=""/></layer></net>',
    ),
    Case("config.json", b'{"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}}'),
    Case("config.json", b'{"activation_fn": "gelu_new", "tokenizer_class": "T5Tokenizer", "types": {"a": 1}}'),
    Case("tools.json", b'[{"type": "function", "function": {"name": "os.system"}, "description": "subprocess.run"}]'),
    Case("croissant.json", b'{"@type": "sc:Dataset", "type": "torch.float32", "path": "code.py"}'),
    Case("conf.json", b'{"@class": "org.deeplearning4j.nn.conf.layers.DenseLayer"}'),
    Case(
        "config.cfg",
        b'[components.ner.model]\n@architectures = "spacy.TransitionBasedParser.v2"\n@optimizers = "Adam.v1"\n',
    ),
    Case("config.pbtxt", b'name: "m"\nbackend: "onnxruntime"\nmax_batch_size: 8\n'),
    Case("pickle_module_info.txt", b"mlflow.pytorch.pickle_module"),
    Case("task.yaml", b"doc_to_text: a\nsource_target_: b\nprocess: !function utils.process\n"),
    Case("prompt.txt", b"{{ user | attr('name') }} {{ question }}\n"),
    Case("RELEASE_NOTES", b"Hydra's _target_ and the loader_module of MLflow are documented.\n"),
    Case("schema.sql", b"CREATE TABLE a (_target_ TEXT);\n"),
    Case("prompt.yaml", b"a: 1 # no _target_ is set\n"),
    Case(
        "config.json",
        b'{"architectures": ["BertModel"], "hidden_act": "gelu", "id2label": {"0": "a"}, "torch_dtype": "float32"}',
    ),
    Case(
        "tokenizer.json",
        b'{"version": "1.0", "model": {"type": "BPE", "vocab": {"_target": 1, "self": 2}, "merges": ["a b"]}}',
    ),
    Case(
        "tokenizer_config.json", b'{"tokenizer_class": "BertTokenizer", "chat_template": null, "do_lower_case": true}'
    ),
    Case("modules.json", b'[{"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"}]'),
    Case("config.json", b'{"in_features": 384, "activation_function": "torch.nn.modules.activation.Tanh"}'),
    Case(
        "model_index.json",
        b'{"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"], "feature_extractor": [null, null]}',
    ),
    Case(
        "config.json",
        b'{"_class_name": "UNet2DConditionModel", "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"]}',
    ),
    Case(
        "args.yaml", b"task: detect\nmodel: yolo11n.pt\nepochs: 3\nlr0: 0.01\nnames:\n  0: helmet\n  1: driver's cab\n"
    ),
    Case("data.yaml", b"path: ../datasets\ntrain: images/train\nnc: 2\nnames: [a, b]  # _target_: not here\n"),
    Case(
        "MLmodel",
        b"artifact_path: model\nflavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    python_version: 3.11.7\n",
    ),
    Case("conda.yaml", b"channels: [conda-forge]\ndependencies: [python=3.11, {pip: [mlflow, torch==2.9]}]\n"),
    Case("hparams.yaml", b"a: !!python/tuple [1, 2]\nb: !!python/unicode x\nlr: 1.0e-3\n"),
    Case(
        "hparams.yaml",
        b"a: !!python/object:argparse.Namespace\n  lr: 1\nb: !!python/object/apply:pathlib.PosixPath [a, b]\n"
        b"c: !!python/object/apply:collections.OrderedDict\n- - [a, 1]\nd: !!python/name:builtins.float\n",
    ),
    Case("README.md", b"---\nlicense: mit\n---\nUse `_target_: os.system` or !!python/object/apply:os.system never.\n"),
    Case("vocab.txt", "[PAD]\n[UNK]\n##s\n\u4e00\n".encode()),
    Case("merges.txt", b"#version: 0.2\ni n\nt h\n"),
    Case("results.csv", b"epoch,train/loss,metrics/mAP50\n1,0.9,0.4\n"),
    Case("labels.json", b'{"0": "target", "1": "module"}'),
    Case("coco.json", b'{"images": [{"id": 1}], "annotations": [], "categories": [{"id": 1, "name": "cat"}]}'),
    Case("log.jsonl", b'{"step": 1}\n{"step": 2}\n'),
    Case("trainer_state.json", b'{"log_history": [{"loss": NaN, "step": 1}], "target": 1, "module": null}'),
    Case("model.safetensors.index.json", b'{"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}'),
    Case(
        "schema.json",
        b'{"__class__": "SVC", "__module__": "sklearn.svm._classes", "__loader__": "ObjectNode", "c":'
        b'{"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode"}}',
    ),
    Case("coco8.yaml", b"path: coco8\nnames: {0: person}\ndownload: https://example.org/coco8.zip  # optional\n"),
    Case("m.xml", b'<?xml version="1.0"?><net name="m" version="11"><!-- <!ENTITY --></net>'),
    Case(
        "m.svg",
        b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd"><svg/>',
    ),
    Case(
        "x.xml", b'<?xml version="1.0" encoding="ISO-8859-15"?><!DOCTYPE annotation SYSTEM "labels.dtd"><annotation/>'
    ),
    Case(
        "yolo11.yaml",
        b"# YOLO's model (n)\nnc: 80 # number of classes (COCO)\nactivation: nn.LeakyReLU(0.1)\nbackbone:\n"
        b"  - [-1, 1, Conv, [64, 3, 2]] # 0-P1/2 (a)\nhead:\n  - [-1, 1, nn.Upsample, [None, 2, 'nearest']]\n",
    ),
    Case("detector.yaml", b"backbone:\n  name: ResNet (50)\nneck:\n  name: FPN (a)\n"),
    Case("config.yaml", b"class_path: null\nwhat: '100%25 ok'\n"),
    Case("config.json", b'{"attn_implementation": "flash_attention_2", "_attn_implementation": null}'),
    Case(
        "d.prototxt",
        b'name: "net" # a net\nlayer { name: "c" type: "Convolution" convolution_param { num_output: 64 pad: [1, 1] } }\n',
    ),
    Case("label_map.pbtxt", b"item {\n  id: 1\n  name: 'dog\\'s'\n}\n"),
    Case("m-symbol.json", b'{"nodes": [{"op": "Convolution", "attrs": {"kernel": "(3, 3)"}, "inputs": [[0, 0, 0]]}]}'),
    Case(
        "schema.json",
        b'{"__class__": "ufunc", "__module__": "numpy", "__loader__": "FunctionNode", "content": {"module_path": "numpy", "function": "exp"}}',
    ),
    Case("metadata", b'{"class": "org.apache.spark.ml.PipelineModel", "uid": "a", "paramMap": {}}'),
    Case("store.json", b'{"id": "pickle", "price": 3}'),
    Case("empty.json", b"{}"),
    Case("empty.yaml", b""),
]


@pytest.mark.parametrize("name", KERAS_HOSTILE)
def test_what_keras_would_run_is_hostile(name: str) -> None:
    data, rule = KERAS_HOSTILE[name]
    case = Case("model.keras/config.json", data, (rule,))
    assert check(case) == ""
    assert report(case).verdict is Verdict.HOSTILE


def test_what_keras_would_import_from_a_team_is_code_with_its_names() -> None:
    assert [check(Case(name, data, ("keras-custom",))) for name, data in KERAS_CODE.items()] == [""] * len(KERAS_CODE)
    assert [report(Case("a", data)).names for data in KERAS_CODE.values()] == [
        ("my_team.layers.Attention",), ("my_team.functions.swish2",), ("my_team>Attention",), ("Attention",),
    ]  # fmt: skip


def test_keras_models_without_code_are_plain() -> None:
    assert [fault for name, data in KERAS_HONEST.items() if (fault := check(Case(name, data)))] == []


def test_what_a_configuration_would_call_is_hostile_or_unreadable() -> None:
    assert [fault for case in OTHER_HOSTILE.values() if (fault := check(case))] == []
    assert {report(case).verdict for case in OTHER_HOSTILE.values()} == {Verdict.HOSTILE, Verdict.UNREADABLE}


def test_what_a_configuration_would_import_is_code_with_its_names() -> None:
    assert [fault for case in OTHER_CODE.values() if (fault := check(case))] == []
    assert {report(case).verdict for case in OTHER_CODE.values()} == {Verdict.CODE}
    assert report(OTHER_CODE["auto map"]).names == ("modeling_x.X",)


def test_configurations_without_code_are_plain() -> None:
    assert [fault for case in OTHER_HONEST if (fault := check(case))] == []


def test_the_yaml_cases_really_run_when_pyyaml_loads_them_unsafely(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    yaml: Any = pytest.importorskip("yaml")
    monkeypatch.chdir(tmp_path)
    runs = [case for case in OTHER_HOSTILE.values() if b"ran-" in case.data.replace(b"\0", b"")]
    for case in runs:
        yaml.load(case.data, Loader=yaml.UnsafeLoader)
    assert {path.name for path in tmp_path.iterdir()} == {f"ran-{number}" for number in range(len(runs))}


@pytest.mark.parametrize("before", ["", "a:b: 1\n", "Prose.\n---\n", "# a comment\n\n'a key': 1\n", "a\tb :\n"])
def test_a_text_without_a_name_of_yaml_is_examined_where_it_looks_like_yaml(before: str) -> None:
    imports = f"{before}_target_: os.system\n".encode()
    assert broken(report(Case("notes", imports))) == ("config-import",)
    in_prose = broken(report(Case("notes", b"Notes about a:b and 3:1\n" + imports)))
    assert in_prose == (("config-import",) if "---" in before else ()), "the first line is no key"


def test_every_rule_of_configurations_has_a_case() -> None:
    rules = {rule for _, rule in KERAS_HOSTILE.values()} | {"keras-custom"}
    rules |= {rule for case in (*OTHER_HOSTILE.values(), *OTHER_CODE.values()) for rule in case.rules}
    own = (json_text.TWICE, json_text.NESTED, model_text.SYNTAX, model_text.OUTPUT)
    modules = (keras_config.RULES, model_config.RULES, texts.RULES, xml_text.RULES, own)
    rules -= {"onnx-domain", "onnx-outside", "pickle-call", "template-underscore"}
    assert rules == {rule.id for module in modules for rule in module if not rule.id.startswith("template-")}


def test_a_long_text_is_parsed_if_it_has_a_key_that_matters() -> None:
    filler = b'{"vocab": "' + b"a" * (json_text.MAX_PARSED + 1) + b'"'
    assert broken(report(Case("tokenizer.json", filler + b"}"))) == ()
    assert broken(report(Case("config.json", filler + b', "auto_map": {"AutoModel": "m.X"}}'))) == ("auto-map",)
    assert broken(report(Case("config.json", filler + b', "\\u0061uto_map": {"AutoModel": "m.X"}}'))) == ("auto-map",)


def test_long_json_is_refused_only_with_a_key_that_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Annotations of COCO have hundreds of megabytes."""
    for name, limit in {"MAX_PARSED": 1 << 10, "MAX_TEXT": 1 << 12, "_BLOCK": 1 << 8}.items():
        monkeypatch.setattr(json_text, name, limit)
    boxes = json.dumps([{"bbox": [1, 2, number]} for number in range(300)]).encode()
    assert broken(report(Case("instances.json", boxes))) == ()
    for place in range(5000, 5300):
        data = boxes[:place] + HIDDEN_KEY + boxes[place:]
        assert broken(report(Case("instances.json", data))) == ("too-long",)
