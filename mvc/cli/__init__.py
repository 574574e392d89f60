"""The command line: one module per verb; asks, calls one porcelain verb, renders, exits."""
