"""A REGISTRY: Picsellia, through its official SDK, which has no other home."""
