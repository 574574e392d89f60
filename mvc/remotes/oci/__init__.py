"""Registries of images, as the OCI's distribution specification has them: what a tag stands for now."""
