"""ALL PAIRS AT ONCE, for networks of any size: the same answers as `reach/path.py`, as arrays.

columns.py     points that nothing tells apart are one column
peers.py       which columns a selector or a prefix means
rows.py        what the policies of each kind of pod let through, to and from every column
table.py       both together: a connection for every pair of columns
"""
