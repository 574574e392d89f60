"""The parts of a version, as frozen values with canonical bytes; no input or output."""
