"""The command line: one module per verb, which parses, calls one porcelain verb, and prints its result."""
