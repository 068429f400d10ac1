"""DOCUMENT -> TOPOLOGY: what a user may write. Nobody else imports pydantic.

values.py                        scalars: names, prefixes, ports
network.py service.py flow.py trust.py   the parts of a file
topology.py                      the file, and its JSON Schema
decode.py                        Document -> Topology, with diagnostics
"""
