"""Documents about one version for other people and programs: the model card, and bills of materials.

version, manifest, tree ─► DocumentedVersion ─► card, cyclonedx, spdx ─► Markdown, JSON
"""
