"""budnet advise"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from budnet import pipeline
from budnet.cli.output import file_argument, format_option, print_json, report, style, table
from budnet.source.diagnostic import Severity

if TYPE_CHECKING:
    from budnet.resolve.advice import Advice


@click.command()
@file_argument
@format_option
def command(file: str | None, form: str) -> None:
    """Say which method fits each pair of networks that is linked or that flows go between, and why.

    Works on a file that `check` refuses because a link cannot be: that is when it is asked. Exit 2 if a written method does not
    fit, or if flows need a link and there is none. `--format json` has every method's verdict with the vendor's page.

    \b
    Examples:
      budnet advise
      budnet advise network.yaml --format json
    """
    loaded, found = pipeline.advise(file)
    if found is None:
        report(loaded)
        sys.exit(3)
    if form == "json":
        print_json("advise", {"file": loaded.file, "advice": [_json(a) for a in found]})
    else:
        _print(found)
        errors = sum(d.severity is Severity.ERROR for d in loaded.diagnostics)
        if errors:
            click.echo(f"`budnet check` finds {errors} error{'s' * (errors > 1)} in {loaded.file}", err=True)
    sys.exit(2 if any(a.to_do for a in found) else 0)


def _print(found: list[Advice]) -> None:
    if not found:
        click.echo("no flow goes from one network to another, and no link is written: nothing to advise")
        return
    table(["between", "flows", "written", "advised", "why"], (
        (_pair(a), _flows(a), a.written or "nothing", a.advised or "nothing fits", a.why) for a in found))  # fmt: skip
    for advice in found:
        if advice.to_do:
            click.echo(f"{style('to do', 'yellow', True)}: {_pair(advice)}: {_what(advice)}")
        if advice.needed and advice.facts.through:
            click.echo(f"  both are linked with {advice.facts.through}, but no method carries packets on from one link to another")
    sources = dict.fromkeys(a.of(a.advised).source for a in found if a.advised)
    click.echo("sources: " + "\n         ".join(sources) if sources else "")


def _what(advice: Advice) -> str:
    instead = f"take {advice.advised}" if advice.advised else "nothing fits: give one of them another range"
    if not advice.written:
        return f"flows need a link and there is none; {instead}"
    return f"{advice.written} does not fit ({advice.of(advice.written).why}); {instead}"


def _pair(advice: Advice) -> str:
    one, other = advice.facts.between
    return f"{one} and {other}" + (f" ({advice.pairs} times)" if advice.pairs > 1 else "")


def _flows(advice: Advice) -> str:
    facts = advice.facts
    return f"{len(facts.there)} there, {len(facts.back)} back" if advice.needed else "none"


def _json(advice: Advice) -> dict[str, Any]:
    f = advice.facts
    return {
        "between": list(f.between), "pairs": advice.pairs, "link": advice.link or None, "written": advice.written or None,
        "advised": advice.advised or None, "result": advice.result, "to_do": advice.to_do, "why": advice.why,
        "facts": {"clouds": list(f.clouds), "overlap": [list(o) for o in f.overlap], "crowd": list(f.crowd), "there": list(f.there),
                  "back": list(f.back), "only_tcp": f.only_tcp, "public_subnets": list(f.public), "shut_in": list(f.shut_in), "links": list(f.links),
                  "through": f.through or None},
        "methods": [{"method": j.method, "fits": j.fits, "why": j.why, "source": j.source} for j in advice.judgments],
    }  # fmt: skip
