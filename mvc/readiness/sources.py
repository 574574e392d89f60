"""Citations for the rules: URLs of public pages, and of files in public repositories at the commit that was read."""

from __future__ import annotations

_DOCS = "https://documentation.picsellia.com/docs/"
_CODE = "https://github.com/picselliahq/"
_CLI = f"{_CODE}picsellia-pipelines-cli/blob/eec9143/src/picsellia_pipelines_cli/commands/"
_JOBS = f"{_CODE}picsellia-processings/blob/1a7a8d7/utils/"
_GUIDE = f"{_CODE}training-image-template/blob/37bd04f/"

OVERVIEW = f"{_DOCS}part-1-overview"
TRAINABLE = f"{_DOCS}part-4-make-your-modelversion-trainable"
NAMESPACE = f"{_DOCS}namespace"
DEPLOY = f"{_DOCS}registry-deploy-a-model"
MODEL_VERSION = f"{_DOCS}registry-model-version"
REGISTER = f"{_DOCS}how-to-package-a-model-1"
PREDICTIONS = f"{_DOCS}monitor-model-predictions-copy"
DEPLOYMENT = "https://documentation.picsellia.com/reference/deployment.md"

IR = "https://github.com/onnx/onnx/blob/b812a27/docs/IR.md"
EXPORTER = "https://github.com/ultralytics/ultralytics/blob/002363f/ultralytics/engine/exporter.py"

DEPLOYER = f"{_CLI}training/deployer.py"
INITIALIZER = f"{_CLI}training/initializer.py"
PRE_ANNOTATION = f"{_CLI}processing/templates/pre_annotation_template.py"
CONVERSION = f"{_CLI}processing/templates/model_conversion_template.py"
ENGINE = f"{_CODE}picsellia-cv-engine/blob/8212ee9/docs/usage/commands/deploy.md"
GUIDE = f"{_GUIDE}README.md"
NOTEBOOK = f"{_GUIDE}create_model.ipynb"
PIPELINES = f"{_CODE}picsellia-cv-pipelines/tree/0f00dcb/pipelines"
YOLOV8 = f"{PIPELINES}/yolov8/pre_annotation"
TENSORFLOW_JOB = f"{_JOBS}annotator.py"
YOLO_JOB = f"{_JOBS}yolo/annotator.py"
YOLOX_JOB = f"{_JOBS}yolox/annotator.py"
OLD_JOBS = (TENSORFLOW_JOB, YOLO_JOB, YOLOX_JOB)
