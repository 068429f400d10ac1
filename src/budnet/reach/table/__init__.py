"""ALL PAIRS AT ONCE, for networks of any size: the same answers as `reach/path.py`, as arrays.

columns.py     points that nothing tells apart are one column
peers.py       which columns a selector or a prefix means
terms.py       which columns each rule is about, and what it says of them
rows.py        what the policies of each kind of pod let through, to and from every column
crossing.py    what one column sends out and another takes in
wires.py       what routes, ACLs and gateways carry between places
groups.py      what security groups let through
fronts.py      connections over links that do not route
table.py       all of it together: a connection for every pair of columns
grouped.py     the table as people read it
change.py      an edit of policies in a table that there is
"""
