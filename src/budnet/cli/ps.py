"""budnet ps"""

from __future__ import annotations

import time
from typing import Any

import click

from budnet.cli.output import format_option, name_option, print_json, table
from budnet.twin.lab import Twin


@click.command()
@name_option
@format_option
@click.option("--all", "everything", is_flag=True, help="Routers, gateways and the outside, too.")
def command(name: str, form: str, everything: bool) -> None:
    """What is up: every node with its addresses and who answers there: a real server, or a listener of budnet's own.

    \b
    Examples:
      budnet ps
      budnet ps --all                        # VPN gateways with their tunnels, too
      budnet ps --all --format json
    """
    status = Twin(name).status()
    rows = _rows(status, everything)
    if form == "json":
        print_json(
            "ps",
            {
                "name": name,
                "topology": status["name"],
                "up_seconds": round(time.time() - status["began"]),
                "mesh": status["mesh"]["kind"],
                "nodes": rows,
            },
        )
        return
    if status["mesh"]["said"]:
        click.echo(status["mesh"]["said"])
    table(["node", "kind", "addresses", "answers"], ((r["id"], r["kind"], " ".join(r["addresses"]), "; ".join(r["answers"])) for r in rows))


def _rows(status: dict[str, Any], everything: bool) -> list[dict[str, Any]]:
    answers: dict[str, list[str]] = {}
    for server in status["servers"]:
        places: dict[str, list[str]] = {}
        for node, protocol, port in (*((server["space"], *at) for at in server["listens"]), *server["elsewhere"]):
            places.setdefault(node, []).append(f"{port}/{protocol}")
        role = f" ({server['id']})" if server["elsewhere"] else ""  # one process in many places has a name of its own
        for node, ports in places.items():
            answers.setdefault(node, []).append(f"{server['software']}{role} {' '.join(ports)}" + ("" if server["running"] else " (ENDED)"))
    own: dict[str, list[str]] = {}
    for endpoint, protocol, port, loopback in status["listeners"]:
        own.setdefault(endpoint, []).append(f"{port}/{protocol}" + (" loopback" if loopback else ""))
    for gateway, tunnel in status["tunnels"].items():
        standing = "tunnel up" if tunnel["up"] else "tunnel DOWN"
        answers.setdefault(gateway, []).append(f"{standing} for {time.time() - tunnel['since']:.0f} s")
    for endpoint, listed in own.items():
        answers.setdefault(endpoint, []).append(f"own listener {', '.join(listed)}")
    shown = [s for s in status["spaces"] if everything or s["kind"] == "endpoint"]
    return [s | {"answers": answers.get(s["id"], [])} for s in shown]
