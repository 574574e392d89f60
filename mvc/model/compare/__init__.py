"""Comparison of two versions: values, files, labels, tensors."""
