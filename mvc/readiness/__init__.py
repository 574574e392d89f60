"""Readiness: rules as data, evaluated against a manifest and a tree; Picsellia's for each use, and a team's own.

rule ── when ── test ──► ok, no or unknown        the rules of a use ──► ready, or the findings that block it
"""
