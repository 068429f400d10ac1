"""What the world can refuse. Wrong input is a Diagnostic and a wrong answer is a value; neither is here.

BudnetError
  TwinError        the kernel, a server or a namespace of the twin
    NotPermitted   namespaces are not allowed to this user
    NoTwin         no twin of that name is up
    AlreadyUp      one is
  OrderRefused     an ACME server did not give a certificate
  OutputError      a file could not be written
"""

from __future__ import annotations


class BudnetError(Exception):
    """The message says what was attempted, on what, and what to do."""


class TwinError(BudnetError):
    """The twin could not do what was asked."""


class NotPermitted(TwinError):
    """This user may not create namespaces."""


class NoTwin(TwinError):
    """No twin of that name is up."""


class AlreadyUp(TwinError):
    """A twin of that name is up already, of another topology."""


class OrderRefused(BudnetError):
    """An ACME server did not give a certificate; the message has its reason."""


class OutputError(BudnetError):
    """A file could not be written."""
