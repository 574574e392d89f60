"""Container images: names, digests and logins at registries of images."""
