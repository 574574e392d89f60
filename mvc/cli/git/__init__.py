"""Git in the fingers: its options and commands, and what mvc does for them."""
