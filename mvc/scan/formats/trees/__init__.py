"""Models as trees of values or messages, each of which is accounted for: msgpack, UBJSON and Core ML."""
