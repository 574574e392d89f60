"""model.toml: schema, parsing, editing in place, and the rules that a commit checks."""
