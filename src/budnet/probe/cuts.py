"""What the twin's SNI filter says that it cut: from whom, to which address, under which name."""

from __future__ import annotations

from budnet.errors import TwinError
from budnet.twin.lab import Twin
from budnet.twin.servers.sni_filter import CUT
from budnet.twin.sni import NAME


class Cuts:
    """The log of the filter, read when it is first needed after a round of questions."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self.running = any(s["id"] == NAME and s["running"] for s in twin.status()["servers"])
        self._lines: dict[tuple[str, str, str], str] | None = None

    def by(self, source: str, destination: str, says: str) -> str:
        """The filter that cut a connection between two addresses; empty where none says so."""
        if self._lines is None:
            self._lines = dict(self._read())
        return self._lines.get((source, destination, says.lower() or "-"), "")

    def _read(self) -> list[tuple[tuple[str, str, str], str]]:
        try:
            rows = (line.split(" ") for line in self.twin.logs(NAME).splitlines())
        except TwinError:
            return []
        return [((row[1], row[3], row[5]), row[0]) for row in rows if len(row) == 6 and row[4] == CUT]
