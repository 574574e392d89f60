"""Policy: the rules of `policy.toml`, which limit what branches, tags and aliases may be at. Values only."""
