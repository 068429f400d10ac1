"""What a product's pattern lets through, against what was meant: the loss report says neither too much nor too little."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budnet.catalog.backends import BACKENDS, matches, render
from budnet.ir.filters import ANY_DEPTH, HostName
from budnet.reach.semantics import covers

NAMES = ["example.com", "a.example.com", "b.a.example.com", "c.b.a.example.com", "notexample.com", "example.com.evil.net", "com"]
MEANT = [HostName("example.com", depth, apex) for depth in (0, 1, ANY_DEPTH) for apex in (True, False) if apex or depth]


@pytest.mark.parametrize("backend", BACKENDS.values(), ids=lambda b: b.name)
@pytest.mark.parametrize("host", MEANT, ids=str)
def test_loss_is_said_where_there_is_one_and_only_there(host: HostName, backend: object) -> None:
    rendered = render(host, backend)  # type: ignore[arg-type]
    through = {n for n in NAMES if matches(rendered, backend, n)}  # type: ignore[arg-type]
    meant = {n for n in NAMES if covers(host, n)}
    assert bool(through ^ meant) == bool(rendered.loss), (rendered, through, meant)


@pytest.mark.parametrize(
    ("name", "host", "patterns", "loss"),
    [
        ("cilium", HostName("hf.co", ANY_DEPTH), ("hf.co", "**.hf.co"), ""),
        ("aws-network-firewall", HostName("hf.co", ANY_DEPTH), (".hf.co",), ""),
        (
            "aws-network-firewall",
            HostName("pkg.dev", 1, False),
            (".pkg.dev",),
            "lets pkg.dev itself through as well; lets any number of labels through",
        ),
        ("azure-firewall", HostName("quay.io", 1), ("quay.io", "*.quay.io"), "lets any number of labels through"),
        ("envoy", HostName("hf.co", ANY_DEPTH), ("hf.co", "*.hf.co"), ""),
        ("squid", HostName("hf.co", 0), ("hf.co",), ""),
        ("x509", HostName("hf.co", ANY_DEPTH), ("hf.co", "*.hf.co"), "only 1 label below hf.co; list the deeper names one by one"),
    ],
)
def test_known_products(name: str, host: HostName, patterns: tuple[str, ...], loss: str) -> None:
    rendered = render(host, BACKENDS[name])
    assert (rendered.patterns, rendered.loss) == (patterns, loss)


LABEL = st.sampled_from(["a", "b", "example", "com", "xexample"])


@given(st.lists(LABEL, min_size=1, max_size=6), st.sampled_from(MEANT))
def test_covers_counts_labels(labels: list[str], host: HostName) -> None:
    """A second judge: by lists of labels, where the first cuts text."""
    apex = host.name.split(".")
    below = len(labels) - len(apex)
    meant = labels[-2:] == apex and (host.apex if below == 0 else 0 < below <= host.depth)
    assert covers(host, ".".join(labels)) is meant
    assert covers(host, ".".join(labels).upper() + ".") is meant
