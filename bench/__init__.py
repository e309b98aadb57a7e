"""Measurements of one node beside its peers: each module is one row or a few, and runs alone."""
