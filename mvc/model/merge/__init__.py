"""Three-way merges of versions: values, files, and the model.toml of the result."""
