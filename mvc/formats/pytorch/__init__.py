"""PyTorch: the tensors of its files, from what their pickles and JSON members say about storages."""
