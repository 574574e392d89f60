"""Registries of docker images: resolve a tag to its digest, as the OCI distribution specification says."""
