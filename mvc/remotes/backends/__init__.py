"""The kinds of remotes: folder, S3, Google Cloud Storage, Azure, SFTP; with retries and a rate limit."""
