"""Formats that few models have: objects of other languages, and networks of Paddle and Caffe."""
