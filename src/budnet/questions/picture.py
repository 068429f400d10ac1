"""Who reaches whom as a picture: everybody who fares alike is one class, and a table of classes says all there is to say."""

from __future__ import annotations

from budnet.errors import WrongQuestion
from budnet.ir.called import workload
from budnet.ir.network import Network
from budnet.packets.transports import Transports
from budnet.questions import matrix
from budnet.questions.classes import Cells, alike
from budnet.reach.table.columns import Bools
from budnet.render.diagram.scene import Scene
from budnet.render.diagram.views.reach import MACHINES, OUTSIDE, REACH, Cell, Class, reach

MOST = 60
"""Classes that a picture can show."""
FEW = 24
"""Up to so many each class is in one namespace; beyond, those of several namespaces who fare alike are one."""
VIEWS = (REACH, f"{REACH}:PLACE")


def is_reach(view: str) -> bool:
    """Whether a view is one of these."""
    return view == REACH or view.startswith(f"{REACH}:")


def picture(network: Network, view: str = REACH, most: int = MOST) -> Scene:
    """`reach`, or `reach:PLACE`: only who is in a namespace (of our own networks: a subnet), and who reaches them or is reached.

    Raises WrongQuestion where there are more classes than `most`, or nobody is there.
    """
    pairs = matrix.of(network, "workload")
    places = [_place(label) for label in pairs.labels]
    classes, found = _apart(*alike(pairs), places, pairs.several)
    members = [tuple(places[i] for i in each) for each in classes]
    place = view.partition(":")[2]
    wanted = set(range(len(classes)))
    if place:
        here = {i for i, each in enumerate(members) if any(p == place for p, _ in each)}
        if not here:
            known = sorted({p for each in members for p, _ in each})
            raise WrongQuestion(f"nobody is in '{place}'; there are {', '.join(known)}")
        found = {ends: c for ends, c in found.items() if here & set(ends)}
        wanted = here | {i for ends in found for i in ends}
    order = sorted(wanted, key=lambda i: (_rank(members[i]), members[i]))
    if len(order) > most:
        raise WrongQuestion(f"{len(order)} classes fare differently, and {most} fit a picture: ask for `--view reach:PLACE`, or for text")
    at = {i: position for position, i in enumerate(order)}
    cells = []
    for (source, target), connection in sorted(found.items(), key=lambda f: (at[f[0][0]], at[f[0][1]])):
        allowed, unknown, one_way = pairs.sets(connection)
        words = [_words(allowed)] + ([f"one way: {_words(one_way)}"] if one_way else [])
        cells.append(Cell(at[source], at[target], "; ".join(filter(None, words)), _words(unknown)))
    count = sum(len(members[i]) for i in order)
    subtitle = f"who reaches whom: {count} workloads and parts of the outside, in {len(order)} classes of those who fare alike"
    return reach(network.name + (f", {place}" if place else ""), subtitle, tuple(Class(members[i]) for i in order), tuple(cells))


def _apart(classes: list[list[int]], cells: Cells, places: list[tuple[str, str]], several: Bools) -> tuple[list[list[int]], Cells]:
    """Classes cut by namespace where they are few enough to be looked at that way, else by whether they are pods, machines or outside."""
    for key in (lambda p: p[0], lambda p: str(_rank((p,)))):
        parts: list[list[int]] = []
        came_of: list[int] = []
        for at, each in enumerate(classes):
            by: dict[str, list[int]] = {}
            for one in each:
                by.setdefault(key(places[one]), []).append(one)
            parts += by.values()
            came_of += [at] * len(by)
        if len(parts) <= FEW:
            break
    of: dict[int, list[int]] = {}
    for at, before in enumerate(came_of):
        of.setdefault(before, []).append(at)
    # what a class of one endpoint has within itself is nothing
    split = {(i, j): c for (a, b), c in cells.items() for i in of[a] for j in of[b] if i != j or len(parts[i]) > 1 or several[parts[i][0]]}
    return parts, split


def _place(label: str) -> tuple[str, str]:
    """(namespace or subnet, name) of a label of the matrix."""
    where, slash, name = label.rpartition("/")
    if where.partition("/")[0] == "internet":
        return OUTSIDE, name
    if slash and not name.partition("+")[0].isdigit():
        return where, workload(label)
    return (OUTSIDE, label) if slash else (MACHINES, workload(label))


def _rank(members: tuple[tuple[str, str], ...]) -> int:
    places = {p for p, _ in members}
    return 2 if places == {OUTSIDE} else 1 if places == {MACHINES} else 0


def _words(some: Transports) -> str:
    return "" if not some else "everything" if some.everything else str(some)
