"""Policy: whether the rules of `policy.toml` let a branch, tag or alias move, and a version be sent."""
