"""The HTTP API of version 1: each module declares its routes, ``core`` has what they share."""
