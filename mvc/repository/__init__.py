"""One repository: its parts, its working tree, revisions, and where its training code stands."""
