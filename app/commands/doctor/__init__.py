"""``flask kf doctor``: what stands between this node and serving a real official account."""
