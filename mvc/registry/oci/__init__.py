"""OCI registries as hubs of models: versions are CNCF ModelPack artifacts, which image tools copy and mount.

version ─► config, layers (each file raw), its exact objects as one more layer ─► manifest ─► tag v8-f17a3e4ccdd6
"""
