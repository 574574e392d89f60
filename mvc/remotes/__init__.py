"""OTHER STORES: buckets and folders."""
