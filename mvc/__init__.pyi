"""The public names, for type checkers; made from `HOMES`: MVC_WRITE_DOCS=1 pytest tests/api writes it anew."""

from mvc import errors as errors
from mvc import training as training
from mvc.api.files import File as File
from mvc.api.files import Tensor as Tensor
from mvc.api.frame import frame as frame
from mvc.api.log import Log as Log
from mvc.api.model import Model as Model
from mvc.api.remote import Remote as Remote
from mvc.api.repository import Repository as Repository
from mvc.api.repository import clone as clone
from mvc.api.repository import init as init
from mvc.api.repository import open as open
from mvc.api.repository import user_config as user_config
from mvc.api.standalone.download import download as download
from mvc.api.standalone.download import download_locked as download_locked
from mvc.api.standalone.plain import diff_files as diff_files
from mvc.api.standalone.plain import list_files as list_files
from mvc.api.standalone.plain import scan_files as scan_files
from mvc.api.standalone.plain import verify_files as verify_files
from mvc.api.version import Version as Version
from mvc.model.toml.value_file import ValueFile as ValueFile
from mvc.model.version import Code as Code
from mvc.model.version import Person as Person
from mvc.model.version import Timestamp as Timestamp
from mvc.repository.repository import Actor as Actor
from mvc.training.run import Run as Run
from mvc.training.run import run as run
from mvc.training.versioned import versioned as versioned

__all__ = [
    "Actor",
    "Code",
    "File",
    "Log",
    "Model",
    "Person",
    "Remote",
    "Repository",
    "Run",
    "Tensor",
    "Timestamp",
    "ValueFile",
    "Version",
    "clone",
    "diff_files",
    "download",
    "download_locked",
    "errors",
    "frame",
    "init",
    "list_files",
    "open",
    "run",
    "scan_files",
    "training",
    "user_config",
    "verify_files",
    "versioned",
]

__version__: str
HOMES: dict[str, str]
