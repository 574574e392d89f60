"""Hubs: other systems that keep whole versions of models: Hugging Face, OCI registries, MLflow.

version ─► HubVersion: files, values, lineage, its exact objects ─► the module of the scheme ─► the hub
"""
