"""Comparing two versions: fields, files, labels, tensors."""
