"""Three-way merges of versions: values, files, labelmaps, and the resulting model.toml."""
