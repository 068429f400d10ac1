"""KUBERNETES -> NETWORK.

sources.py     where objects come from: folders, files, standard input; YAML and JSON
live.py        where they come from, too: an API server
kinds.py       which kinds mean something, and in which versions
controllers.py what controllers and clouds add: labels of their pods, annotations of load balancers
fields.py      reading fields of objects nobody has checked, with problems instead of exceptions
selectors.py   label selectors
workloads.py   pods, and what makes pods, as endpoints
policies.py    NetworkPolicy, and the cluster-wide kinds
entrances.py   ways in: services.py, gateways.py, and openshift.py for its Routes
foreign.py     policies of other makers, recognised and not modelled
cluster.py     all objects together: the Network
"""
