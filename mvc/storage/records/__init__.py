"""Records of a repository: ref logs, heads, the journal, settings, and what is in progress."""
