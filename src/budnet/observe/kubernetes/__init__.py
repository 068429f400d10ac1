"""KUBERNETES -> NETWORK.

sources.py     where objects come from: folders.py, files, standard input; Lists unwrapped
texts.py       bytes -> values, document by document: in_json.py, or compose.py and scalars.py for YAML; parsed.py is why not
live.py        where they come from, too: an API server
kinds.py       which kinds mean something, and in which versions
controllers.py what controllers and clouds add: labels of their pods, annotations of load balancers
fields.py      reading fields of objects nobody has checked, with problems instead of exceptions
selectors.py   label selectors
workloads.py   pods, and what makes pods, as endpoints
policies.py    NetworkPolicy, and the cluster-wide kinds
foreign.py     policies of other makers, suspects.py kinds that may be such; unread.py those that could not be read: all unknown
services.py    Services as they are written, slices.py their ends, behind.py where they lead
ways.py        load balancers, ports of nodes, external IPs as ways in
ingresses.py   Ingress; gateways.py the Gateway API; openshift.py Routes; foreign_ways.py those of other makers, unknown
entrances.py   all ways in together, and what in them leads nowhere
cluster.py     all objects together: the Network
"""
