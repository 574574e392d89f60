"""Model registries: published and imported versions, and their drift."""
