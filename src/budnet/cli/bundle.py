"""budnet bundle"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from budnet.cli.output import colours, format_option, load, print_json, style, table, taking_options, wrong

if TYPE_CHECKING:
    from budnet.ir.bundle import Item
    from budnet.pipeline import Loaded

CANNOT_CARRY = "F030"
_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)


class _WriteByDefault(click.Group):
    """`budnet bundle FILE -o DIR` writes: what is no verb of its own is the file's name or an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        asks = bool(args) and args[0] in ("-h", "--help")
        return super().parse_args(ctx, args if asks or (args and args[0] in self.commands) else ["write", *args])


@click.group(cls=_WriteByDefault)
def command() -> None:
    """What has to be carried into an air gap: images by digest, charts, models, packages, as an OCI image layout with a signed list.

    Without a verb of its own it writes a bundle of what the file lists under `bundle`.

    \b
    Examples:
      budnet bundle network.yaml -o carry --key carry.key
      budnet bundle network.yaml -o carry --chunk 4GB
      budnet bundle verify carry --key carry.pub
      budnet bundle join carry.pieces -o carry
      budnet bundle push carry --to 127.0.0.1:5000 --ca ca.pem
    """


@command.command("write")
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@click.option(
    "-o",
    "--output",
    "out",
    required=True,
    type=_FOLDER,
    help="Where the bundle goes. One that is there is replaced when the new one is whole.",
)
@click.option("--key", type=_FILE, help="The Ed25519 key (PEM) that signs it; made where it is not there. DIR.key, where not said.")
@click.option("--chunk", metavar="SIZE", help="Also cut it into pieces of this size, such as 4GB, in DIR.pieces.")
@click.option("--ca", type=_FILE, help="Certificates (PEM) that registries named in the file are trusted by.")
@format_option
@taking_options
def write_bundle(file: str | None, out: Path, key: Path | None, chunk: str | None, ca: Path | None, form: str) -> None:
    """Write a bundle of what FILE lists. After Ctrl-C the next run goes on where this one was."""
    from budnet.bundle import chunks, lock, write

    loaded = load(file)
    assert loaded.network is not None
    found = loaded.network.bundle
    if found is None or not found.items:
        wrong(f"{loaded.file} lists nothing to carry: add `bundle: {{images: [...], charts: [...], models: [...]}}`")
    try:
        limit = chunks.size(chunk) if chunk else 0
    except ValueError as reason:
        wrong(str(reason))
    out.parent.mkdir(parents=True, exist_ok=True)
    key = key or out.with_name(out.name + ".key")
    secret = lock.private_key(key)
    try:
        made = write.write(loaded.network.name, found, Path(loaded.file).parent, out, secret, _always(), _progress(form), ca)
    except write.NotCarried as reason:
        _cannot(loaded, reason.item, str(reason))
    except KeyboardInterrupt:
        click.echo(f"\nstopped: what is done lies in {out}{write.PARTIAL}, and the same command goes on with it", err=True)
        raise
    public = key.with_suffix(".pub")
    public.write_bytes(lock.public_text(secret.public_key()))
    pieces = chunks.cut(out, out.with_name(out.name + ".pieces"), limit) if limit else []
    if form == "json":
        print_json("bundle", {"bundle": str(out), "public_key": str(public), "lock": made, "pieces": [str(p) for p in pieces]})
        return
    rows = [(r["kind"], r["name"], r["digest"][:19], _amount(r["size"]), r["source"]) for r in made["artefacts"]]
    table(["kind", "name", "digest", "size", "from"], rows, title=f"{out} ({len(rows)})")
    total = sum(made["blobs"].values())
    click.echo(f"{len(made['blobs'])} blobs, {_amount(total)}, signed with {key}" + (f", in {len(pieces)} pieces" if pieces else ""))
    click.echo(f"carry {public} by another way than the bundle: `budnet bundle verify {out} --key {public}`")


@command.command("verify")
@click.argument("bundle", type=_FOLDER)
@click.option("--key", required=True, type=_FILE, help="The public key (PEM) of who made it, that did not come with it.")
@click.option("--for", "file", type=click.Path(dir_okay=False), help="Also: every image that this topology runs is there.")
@format_option
def verify_bundle(bundle: Path, key: Path, file: str | None, form: str) -> None:
    """Check a bundle without any network: signature, every digest, nothing missing, nothing extra, every image whole. Exit 1 if not."""
    from budnet.bundle.oci import BadBundle
    from budnet.bundle.verify import verify

    needed: tuple[tuple[str, str], ...] = ()
    if file:
        network = load(file).network
        needed = network.bundle.needed if network and network.bundle else ()
    try:
        said, faults = verify(bundle, key, needed)
    except BadBundle as reason:
        wrong(str(reason))
    except OSError as refused:
        wrong(f"cannot read {refused.filename}: {refused.strerror}")
    if form == "json":
        rows = [{"artefact": f.artefact, "file": f.file, "what": f.what} for f in faults]
        print_json("bundle", {"good": not faults, "artefacts": len(said["artefacts"]), "blobs": len(said["blobs"]), "faults": rows})
    elif faults:
        table(["artefact", "file", "what"], faults)
        click.echo(style(f"{bundle}: {len(faults)} faults; carry nothing of it further", "red", True))
    else:
        size = _amount(sum(said["blobs"].values()))
        click.echo(f"{bundle}: {style('good', 'green', True)}: {len(said['artefacts'])} artefacts, {len(said['blobs'])} blobs, {size}")
    sys.exit(1 if faults else 0)


@command.command("join")
@click.argument("pieces", type=_FOLDER)
@click.option("-o", "--output", "out", required=True, type=_FOLDER, help="Where the bundle goes; it must not be there.")
def join_pieces(pieces: Path, out: Path) -> None:
    """Put a bundle together again from its pieces. A piece that was read badly is named."""
    from budnet.bundle import chunks
    from budnet.bundle.oci import BadBundle

    try:
        chunks.join(pieces, out)
    except BadBundle as reason:
        wrong(str(reason))
    except OSError as refused:
        wrong(f"cannot read {refused.filename}: {refused.strerror}")
    click.echo(f"{out} is whole: `budnet bundle verify` says whether it is what was signed")


@command.command("push")
@click.argument("bundle", type=_FOLDER)
@click.option("--to", "place", required=True, metavar="HOST:PORT", help="The mirror.")
@click.option("--ca", type=_FILE, help="The certificate (PEM) that the mirror is trusted by.")
@click.option("--plain", is_flag=True, help="Without TLS; to loopback only.")
@format_option
def push_bundle(bundle: Path, place: str, ca: Path | None, plain: bool, form: str) -> None:
    """Put everything of a bundle into a registry, each under its name without the registry's it came from."""
    from budnet.bundle import lock
    from budnet.bundle.oci import BadBundle
    from budnet.bundle.push import push_one
    from budnet.bundle.registry import Registry

    host, _, port = place.rpartition(":")
    if not host or not port.isdigit():
        wrong(f"'{place}' is no HOST:PORT")
    try:
        registry = Registry(host.strip("[]"), int(port), ca, tls=not plain)
        rows = lock.read((bundle / lock.LOCK).read_bytes())["artefacts"]
        for row in rows:
            size = (bundle / "blobs" / "sha256" / row["digest"][7:]).stat().st_size
            there = push_one(registry, bundle, row["name"], row["mediaType"], row["digest"], size)
            if there != row["digest"]:
                wrong(f"the registry has {row['name']} as {there} and not as {row['digest']}")
            if form == "text":
                click.echo(f"{row['name']} {there}")
    except BadBundle as reason:
        wrong(str(reason))
    except OSError as refused:
        wrong(f"cannot read {refused.filename}: {refused.strerror}")
    if form == "json":
        print_json("bundle", {"registry": place, "pushed": [{"name": r["name"], "digest": r["digest"]} for r in rows]})


def _always() -> list[tuple[Item, Path]]:
    """What every bundle has: the list of names outside, from which an auditor sees what was left behind."""
    import budnet.catalog
    from budnet.ir.bundle import Item
    from budnet.ir.origin import BUILT_IN

    place = Path(budnet.catalog.__file__).parent / "data"
    item = Item("file", "budnet/egress-catalogue", "egress.yaml", "", "names that a network with a way out would call", (), BUILT_IN)
    return [(item, place)]


def _progress(form: str):  # type: ignore[no-untyped-def]
    """A line for each artefact, on a terminal."""
    if form == "json" or not sys.stderr.isatty():
        return lambda *_: None
    done = {"bytes": 0, "there": 0}

    def show(name: str, size: int, was_there: bool) -> None:
        done["bytes"] += size
        done["there"] += size * was_there
        click.echo(f"\r\033[K{_amount(done['bytes'])}, {_amount(done['there'])} of it was there: {name}", nl=False, err=True)

    return show


def _cannot(loaded: Loaded, item: Item, reason: str) -> NoReturn:
    """The line of the file that names it, underlined."""
    from budnet.source.diagnostic import error
    from budnet.source.report import to_text
    from budnet.source.span import Span

    line, column = item.origin.line or 1, item.origin.column or 1
    span = Span(item.origin.file, line, column, line, column + 1)
    found = error(CANNOT_CARRY, reason, span, "`from` is a path beside the file; an image may come from https://REGISTRY/REPOSITORY:TAG")
    click.echo(to_text([found], {loaded.file: loaded.text}, colours(sys.stderr)), err=True)
    sys.exit(3)


def _amount(size: int) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000  # type: ignore[assignment]
    return ""
