"""Certificates: the internal authority that signs what the twin's servers present."""
