"""Model registries: publish versions to them, import versions from them, compare both."""
