"""Property tests here have no time limit per example: a busy machine is not a failure."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("busy-machine", deadline=None)
settings.load_profile("busy-machine")
