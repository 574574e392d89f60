"""What a run is made of.

inputs.py       what the training gave so far; values.py and weights.py: values as model.toml can hold them, weights
output.py       the run's own files: its training log, and what it will record
contents.py     what a version of it consists of, also as a request
recorder.py     the version, or the request that `mvc record --resume` records later
background.py   `push=`: the version goes to a remote in a process of its own
guard.py        no exception, rank 0 only, several threads
"""
