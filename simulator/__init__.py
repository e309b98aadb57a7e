"""The WeChat Official Account platform in one process, for development, demo and tests.

Standalone: it shares no code with the server it checks, so a shared mistake cannot hide.
"""
