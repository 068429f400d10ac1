"""Truth tables for other programs: CSV for auditors, JUnit XML for CI systems."""

from __future__ import annotations

import csv
import io
from xml.sax.saxutils import escape, quoteattr

from budnet.ir.address import spelt_one
from budnet.probe.truth import Truth


def evidence(table: Truth) -> str:
    """Every question as a row of CSV: who asked whom, what was predicted, what was observed, and the line that it comes from."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["src", "dst", "address", "protocol", "port", "predicted", "observed", "agree", "origin"])
    for question, predicted, observed in table.rows:
        asked = (question.source, question.destination, question.address, question.protocol.name, question.port)
        origin = observed.origin or predicted.origin
        writer.writerow([*asked, predicted, observed, predicted.agrees(observed), origin if origin and origin.line else ""])
    return out.getvalue()


def junit(table: Truth) -> str:
    """One test case for each disagreement, and one for all that agree: a hundred thousand passed cases help nobody."""
    failures = len(table.disagree)
    cases = [
        f'  <testcase classname="budnet.probe" name={quoteattr(f"{table.agree} questions answered alike")} time="{table.seconds:.3f}"/>'
    ]
    for each in table.disagree:
        row = each.json()
        name = f"{row['src']} -> {row['dst']} {spelt_one(each.question.protocol, each.question.port)}"
        text = f"predicted: {row['predicted']}\nobserved:  {row['observed']}\nwritten:   {row['origin']}"
        message = quoteattr(f"predicted {row['predicted']}, observed {row['observed']}")
        cases.append(
            f'  <testcase classname="budnet.probe" name={quoteattr(name)}>\n   <failure message={message}>{escape(text)}</failure>\n  </testcase>'
        )
    head = f'<testsuite name="budnet probe" tests="{failures + 1}" failures="{failures}" errors="0" time="{table.seconds:.3f}">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", f" {head}", *cases, " </testsuite>", "</testsuites>", ""])
