"""One repository and one remote: connection, trust, remote-tracking refs, refspecs, lazy fetch."""
