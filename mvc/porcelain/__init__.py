"""The verbs, for a program to call: one module each; returns a value, never prints."""
