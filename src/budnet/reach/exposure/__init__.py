"""WHAT IS EXPOSED: to the internet, and to pods that are not there yet.

verdict.py     what is said of one workload
clusters.py    the ways into a cluster, and what policies say to each
networks.py    our own networks: from the outside's columns through routes, gateways, filters and load balancers
newcomers.py   pods that somebody may still make: every namespace, every choice of labels, of our own networks every subnet
tried.py       the Network with all of them in it
"""
