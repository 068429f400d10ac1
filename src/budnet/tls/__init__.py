"""TLS as bytes and as policy: what a profile demands, what a server can be told, and what a server really does.

suites.py     every suite, its three names and what it means
groups.py     the groups that keys are exchanged in
published.py  profiles in the schema of Mozilla's guidelines: ours, theirs, a user's own file
enforce.py    a profile, as the servers of this world can be told; and what they cannot
wire.py       ClientHello to bytes, bytes to ServerHello: pure
talk.py       one question to a server: a connection, a ClientHello, what came back
verdict.py    a profile and what a server showed, side by side
scan.py       all questions to a server: versions, suites, groups, certificate, plaintext
"""
