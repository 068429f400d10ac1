"""ACME (RFC 8555): a certificate from any directory, ordered, authorised and fetched, by a client of our own.

`jws` signs requests, `wire` sends them, `challenges` says what a validator looks for, `order` goes from names to a certificate.
"""

from budnet.pki.acme.challenges import ALPN, DNS, HTTP, thumbprint
from budnet.pki.acme.order import Present, Request, account, order

__all__ = ["ALPN", "DNS", "HTTP", "Present", "Request", "account", "order", "thumbprint"]
