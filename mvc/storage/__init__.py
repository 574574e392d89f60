"""The store on disk: access to the disk, chunks, packs, objects, ref logs, caches, settings."""
