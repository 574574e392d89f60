"""Adapter of Picsellia: a registry through the official SDK, which no other folder imports."""
