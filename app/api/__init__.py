"""The HTTP API of version 1: each module declares its routes, ``core`` does what all have in common."""
