"""libnftables in this process: 1 to 2 ms for a namespace's rules, where starting `nft` takes 5."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

_loaded: dict[tuple[Path, ...], ctypes.CDLL] = {}


class RulesRefused(Exception):
    """The kernel or libnftables refused a ruleset; the message is theirs."""


def library(paths: Sequence[Path]) -> ctypes.CDLL:
    """Loads libnftables after the libraries it needs, which come first in `paths`. OSError if one is missing."""
    key = tuple(paths)
    if key not in _loaded:
        for path in key:
            found = ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
        found.nft_ctx_new.restype = ctypes.c_void_p
        found.nft_ctx_new.argtypes = [ctypes.c_uint32]
        found.nft_ctx_free.argtypes = [ctypes.c_void_p]
        found.nft_ctx_buffer_error.argtypes = [ctypes.c_void_p]
        found.nft_ctx_buffer_output.argtypes = [ctypes.c_void_p]
        found.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        found.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
        found.nft_ctx_get_error_buffer.argtypes = [ctypes.c_void_p]
        found.nft_ctx_get_output_buffer.restype = ctypes.c_char_p
        found.nft_ctx_get_output_buffer.argtypes = [ctypes.c_void_p]
        _loaded[key] = found
    return _loaded[key]


def run(lib: ctypes.CDLL, text: str) -> str:
    """Runs commands in this thread's namespace, all or none; returns what they print. Raises RulesRefused."""
    # a context belongs to the namespace it was made in, so each call makes its own
    context = lib.nft_ctx_new(0)
    try:
        lib.nft_ctx_buffer_error(context)
        lib.nft_ctx_buffer_output(context)
        if lib.nft_run_cmd_from_buffer(context, text.encode()):
            raise RulesRefused(lib.nft_ctx_get_error_buffer(context).decode().strip())
        return str(lib.nft_ctx_get_output_buffer(context).decode())
    finally:
        lib.nft_ctx_free(context)
