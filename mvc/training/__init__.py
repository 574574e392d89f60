"""Training runs become versions: one version per run, the best weights with their metrics, from rank 0.

    run.py          `mvc.run`: a loop logs and gives its best weights; at the end they are one version
    values.py       parameters, metrics and classes as model.toml can hold them
    output.py       the run's own files: its training log, and what it will record
    recording.py    weights, metrics and log become a version, or a request that `mvc record --resume` completes
    background.py   `push=`: the version goes to a remote in a process of its own
    callback.py     what the callbacks of trainers share; then a module per trainer
    rank.py         which process of a distributed training records

Training code never sees an exception of mvc unless it asks for them (`strict=True`).
"""
