"""Licenses: names and expressions of SPDX, texts of licenses, and what a file says about its own."""
