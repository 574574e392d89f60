"""The Hugging Face Hub: repositories of models are published to and imported from, and cached snapshots imported.

hf://acme/helmet ─► client ─┬─ commits, files ─► history: a step per commit ─► import
                            └─ one commit ◄─ files, card, config.json, mvc-version.json ◄─ publish
"""
