"""Certificates: the internal CA, keys, and what signs what the servers present."""
