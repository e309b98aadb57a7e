"""``flask kf doctor``: checks of what this node needs to serve a real official account."""
