"""model.toml: its schema, reading it, editing it in place, and the rules that a commit checks."""
