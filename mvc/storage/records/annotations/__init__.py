"""Annotations: logs of what people add to a version after the fact, notes, evaluations and signatures."""
