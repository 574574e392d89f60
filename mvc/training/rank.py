"""The rank of this process in a distributed training: only rank 0 records."""

from __future__ import annotations

import contextlib
import os
import sys

VARIABLES = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "JSM_NAMESPACE_RANK", "LOCAL_RANK")
"""Variables that launchers set (torchrun, Slurm, Open MPI, MPICH, LSF), the one of the whole job first."""


def rank() -> int:
    """Return the rank of this process; 0 without a launcher. torch is asked only if the training has imported it."""
    distributed = sys.modules.get("torch.distributed")
    with contextlib.suppress(Exception):  # half-initialised, or another module of that name
        if distributed is not None and distributed.is_available() and distributed.is_initialized():
            return int(distributed.get_rank())
    for name in VARIABLES:
        value = os.environ.get(name, "")
        if value.isascii() and value.isdigit():
            return int(value)
    return 0
