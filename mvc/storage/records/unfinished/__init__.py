"""Records of what is not finished, as a clone or a publication."""
