"""Chat templates: Jinja as tokens, the names that it computes, and the rules for both."""
