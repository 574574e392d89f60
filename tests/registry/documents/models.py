"""A model.toml with every section, for documents about versions."""

from __future__ import annotations

MODEL_TOML = f"""
[model]
name = "helmets"
type = "OBJECT_DETECTION"
framework = "PYTORCH"
license = "MIT"
description = "Finds helmets & vests"
tags = ["safety"]
links = ["https://example.org/helmets"]
notebook = "https://example.org/train.ipynb"
parent = "base-yolo@v3"

[files]
model-latest = "best.pt"
readme = "README.md"

[labelmap]
0 = "helmet"
1 = "head"

[parameters]
epochs = 100
optimizer = {{ name = "SGD", lr = 0.01 }}

[metrics]
mAP50 = 0.71

[docker]
image = "ghcr.io/acme/yolo"
tag = "1.4"
digest = "sha256:{"a" * 64}"

[source]
experiment = {{ id = "e1", name = "night shift", url = "https://example.org/e1" }}

[[source.datasets]]
alias = "train"
name = "site"
version = "3"
id = "d1"

[intent]
ready_for = ["deployment"]
"""
