"""The screen: lines that fit it, and the pager."""
