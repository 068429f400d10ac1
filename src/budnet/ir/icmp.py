"""ICMP messages as numbers: `type * 256 + code`, 0..65535, so that they are ranges as ports are.

RFC 792 (ICMP), RFC 4443 (ICMPv6); the numbers are IANA's, https://www.iana.org/assignments/icmp-parameters and
https://www.iana.org/assignments/icmpv6-parameters. In AWS `FromPort` is the type and `ToPort` the code, and -1 every one
(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html).
"""

from __future__ import annotations

import re

_CODES = 256
_WRITTEN = re.compile(r"([0-9]{1,3})(?::([0-9]{1,3}))?(?:-([0-9]{1,3})(?::([0-9]{1,3}))?)?")


def message(type: int, code: int = 0) -> int:
    """The number of one message."""
    return type * _CODES + code


def messages(type: int) -> tuple[int, int]:
    """The first and the last number of a type: all of its codes."""
    return message(type), message(type, _CODES - 1)


QUERIES = {1: {8: 0, 13: 14}, 58: {128: 129}}
"""By protocol number the types that ask for an answer, and its type: echo and timestamp. The others that once did are
deprecated (RFC 6918), and hosts do not answer them. An answer's code is 0 whatever was asked."""

ECHO = {4: message(8), 6: message(128)}
"""What `ping` sends, by the version of IP."""


def spelt(first: int, last: int) -> str:
    """A range of messages as it is written: `8` is a type with all of its codes, `3:4` one code of a type, `0-8`, `3:0-3:4`."""
    begins, ends = divmod(first, _CODES), divmod(last, _CODES)
    if begins[1] == 0 and ends[1] == _CODES - 1:
        return str(begins[0]) if begins[0] == ends[0] else f"{begins[0]}-{ends[0]}"
    low, high = (f"{type}:{code}" for type, code in (begins, ends))
    return low if first == last else f"{low}-{high}"


def read(text: str) -> tuple[int, int] | None:
    """What `spelt` writes, read again; None for anything else. The range may be backwards."""
    found = _WRITTEN.fullmatch(text)
    if found is None or any(int(n) >= _CODES for n in found.groups() if n is not None):
        return None
    first, code, last, end = (None if n is None else int(n) for n in found.groups())
    assert first is not None
    if last is None:
        return (message(first, code), message(first, code)) if code is not None else messages(first)
    return message(first, code or 0), message(last, _CODES - 1 if end is None else end)
