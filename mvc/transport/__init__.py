"""Transport between a repository and a remote: connection, trust, remote-tracking refs, refspecs, lazy fetch."""
