"""Rules by format: each module scans one format, or one layout of the members of an archive."""
