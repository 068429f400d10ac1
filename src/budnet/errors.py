"""What the world can refuse, and questions that make no sense. Wrong input is a Diagnostic and a wrong answer is a value.

BudnetError
  TwinError        the kernel, a server or a namespace of the twin
    NotPermitted   namespaces are not allowed to this user
    NoTwin         no twin of that name is up
    AlreadyUp      one is
    OtherTwin      one is, made of something else than what it is asked about
  OrderRefused     an ACME server did not give a certificate
  OutputError      a file could not be written
  WrongQuestion    it names nobody, no port, or no network
    Unreadable     what it is about has errors
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


class OtherTwin(TwinError):
    """The twin of that name is of this topology as it was, or as it is taken without or with an option."""


class OrderRefused(BudnetError):
    """An ACME server did not give a certificate; the message has its reason."""


class OutputError(BudnetError):
    """A file could not be written."""


class WrongQuestion(BudnetError):
    """What was asked makes no sense of this network; the message says what to write instead. The command line exits with 3."""


class Unreadable(WrongQuestion):
    """What was to be asked about has errors. The message is their report."""
