"""Graphs of TensorFlow: the operations that do more than compute, and the paths that they are given."""
