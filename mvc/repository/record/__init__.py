"""How a version is made and a branch moved to it: `commit` and `Model.record` stand on it."""
