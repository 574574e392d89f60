"""The encodings that formats are written in: Protocol Buffers, pickles, zip directories. Nothing is executed."""
