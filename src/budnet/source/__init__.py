"""TEXT -> DOCUMENT: what was written, and where.

    span.py        Span: a place in a file
    diagnostic.py  Diagnostic: what is wrong, where, and what to do next
    document.py    Document: plain values, and the place of each
    text.py        bytes -> characters that are safe to read and to show
    scalar.py      one unquoted word -> text, number, true, false, null, or a refusal
    ruler.py       the parser's marks -> Spans
    compose.py     the parser's events -> values and places
    syntax.py      the parser's error -> a Diagnostic
    yaml.py        parse(): the strict reader, made of all the above
    report.py      Diagnostics -> text, JSON, SARIF
    codes.py       every code this folder reports

Nothing here knows what a network is. Nothing here raises because of what a user wrote.
"""
