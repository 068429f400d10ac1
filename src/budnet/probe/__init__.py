"""THE SAME QUESTION, TWICE: to the prover and to the twin, compared row by row.

question.py   what to ask of a Network
predicted.py  the prover's answers
in_twin.py    the twin's answers, by real packets
names.py      DNS and HTTPS: what a name answers, and who is behind it
tls.py        TLS: versions, suites, groups, certificates and refusals
truth.py      the comparison
"""
