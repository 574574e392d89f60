"""The Python API: repositories, models, versions and remotes as objects, whose methods are the verbs."""
