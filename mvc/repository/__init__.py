"""One repository: its parts, its working tree, its refs, revisions and history."""
