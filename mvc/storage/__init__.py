"""Where it is kept: the door to the disk, chunks, packs, objects, ref logs, caches, config."""
