from __future__ import annotations

import pytest

from budnet.source.document import Document
from budnet.source.yaml import parse

TEXT = """\
name: foundry
networks:
  control-plane:
    cidr: [10.0.0.0/16, fd00::/48]
    subnets: {public: {cidr: 10.0.1.0/24}}  # a comment
  workload:
    cidr:
      - 10.1.0.0/16
    # another comment

note: 'two
  lines'
"""


@pytest.fixture
def document() -> Document:
    document, diagnostics = parse(TEXT, "b.yaml")
    assert document is not None and not diagnostics
    return document


def test_values_are_plain(document: Document) -> None:
    assert document.value == {
        "name": "foundry",
        "networks": {
            "control-plane": {"cidr": ["10.0.0.0/16", "fd00::/48"], "subnets": {"public": {"cidr": "10.0.1.0/24"}}},
            "workload": {"cidr": ["10.1.0.0/16"]},
        },
        "note": "two lines",
    }


def test_every_value_has_a_place(document: Document) -> None:
    assert str(document.key_span(("networks", "workload"))) == "b.yaml:6:3"
    assert str(document.value_span(("networks", "workload"))) == "b.yaml:7:5"
    assert str(document.value_span(("networks", "control-plane", "cidr", 1))) == "b.yaml:4:25"
    assert document.key_span(("networks", "control-plane", "cidr", 1)) is None
    assert document.key_span(()) is None
    with pytest.raises(KeyError):
        document.value_span(("networks", "workload", "subnets"))


def test_a_block_ends_with_its_last_value(document: Document) -> None:
    assert document.written(document.value_span(("networks", "workload"))) == "cidr:\n      - 10.1.0.0/16"
    assert document.written(document.value_span(())) == TEXT.rstrip("\n")


def test_brackets_belong_to_the_value(document: Document) -> None:
    written = document.written(document.value_span(("networks", "control-plane", "subnets")))
    assert written == "{public: {cidr: 10.0.1.0/24}}"


def test_written_keeps_quotes(document: Document) -> None:
    assert document.written(document.value_span(("note",))) == "'two\n  lines'"


def test_the_nearest_place_of_what_is_missing(document: Document) -> None:
    missing = ("networks", "workload", "subnets", "public", "cidr")
    assert document.nearest(missing) == document.value_span(("networks", "workload"))
    assert document.nearest(missing, key=True) == document.key_span(("networks", "workload"))
    assert document.nearest(("services",), key=True) == document.value_span(())


def test_the_nearest_place_of_what_is_there(document: Document) -> None:
    assert document.nearest(("name",)) == document.value_span(("name",))
    assert document.nearest(("name",), key=True) == document.key_span(("name",))
    # an item of a list has no key
    item = ("networks", "workload", "cidr", 0)
    assert document.nearest(item, key=True) == document.value_span(item)


@pytest.mark.parametrize(
    ("loc", "path"),
    [
        ((), ()),
        (("name",), ("name",)),
        (("networks", "workload", "cidr", 0), ("networks", "workload", "cidr", 0)),
        # tags of a union
        (("networks", "workload", "Network", "cidr", "list[str]", 0), ("networks", "workload", "cidr", 0)),
        (("networks", "workload", "cidr", "function-after[f(), str]"), ("networks", "workload", "cidr")),
        # a field that is missing
        (("networks", "workload", "subnets"), ("networks", "workload")),
        # not an index of this list; not a list
        (("networks", "workload", "cidr", 1), ("networks", "workload", "cidr")),
        (("name", 0), ("name",)),
        # what pydantic says of a key
        (("networks", "workload", "[key]"), ("networks", "workload")),
    ],
)  # fmt: skip
def test_locate_leaves_out_what_nobody_wrote(document: Document, loc: tuple[str | int, ...], path: tuple[str | int, ...]) -> None:
    assert document.locate(loc) == path
