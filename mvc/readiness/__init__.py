"""READY FOR WHAT: rules as data, judged against a manifest and a tree; Picsellia's for each use, and a team's own.

rule ── when ── test ──► ok, no, or cannot be checked here        rules of a use ──► ready, or what to mend
"""
