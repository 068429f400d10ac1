"""The mirror of an air gap, with the real registry: what was carried in is what a node pulls, and every other thing is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from budnet.ir.network import Network
from budnet.pipeline import load
from budnet.probe import airgap, mirror
from budnet.probe.truth import Truth
from budnet.twin import tools
from budnet.twin.build import plan
from budnet.twin.lab import Twin
from budnet.twin.staging import stage
from bundle.made import everything, image, layout
from helpers import twin_of

pytestmark = pytest.mark.live


def read(file: Path) -> Network:
    found = load(str(file))
    assert found.network is not None, found.diagnostics
    return found.network


@pytest.fixture
def sound(tmp_path: Path) -> Network:
    return read(everything(tmp_path / "sound") if (tmp_path / "sound").mkdir() is None else tmp_path)


@pytest.fixture
def twin(sound: Network) -> Iterator[Twin]:
    with twin_of(plan(sound), stage(sound, plan(sound), tools.find())) as found:
        yield found


def puller(network: Network, twin: Twin) -> mirror.Puller:
    assert network.airgap is not None
    return next(iter(airgap._pullers(network, network.airgap, twin)))


def test_everything_that_was_carried_in_is_pulled(sound: Network, twin: Twin) -> None:
    table = airgap.truth(sound, twin)
    assert not table.disagree, list(map(str, table.disagree))
    names = {q.destination.split(" ")[1] for q, _, _ in table.rows if q.destination.startswith("main/back/mirror ")}
    assert names == {"ghcr.io/shop/web:1.2", "shop/api:7", "shop/both:1", "charts/shop:0.1.0", "models/tiny:1", "notes"}


def missing(folder: Path) -> None:
    file = folder / "budnet.yaml"
    file.write_text(file.read_text().replace('    - {name: "shop/api:7", from: api.tar, purpose: what web asks}\n', ""))


def moved(folder: Path) -> None:
    shutil.rmtree(folder / "web")
    layout(folder / "web", image("something else"))


def changed_model(folder: Path) -> None:
    (folder / "tiny" / "model.safetensors").write_bytes(b"other weights")


@pytest.mark.parametrize(
    ("fault", "name", "says"),
    [(missing, "shop/api:7", "404"), (moved, "ghcr.io/shop/web:1.2", "sha256:"), (changed_model, "models/tiny:1", "sha256:")],
)
def test_a_mirror_that_has_something_else_is_named(
    sound: Network, twin: Twin, tmp_path: Path, fault: Callable[[Path], None], name: str, says: str
) -> None:
    """The mirror is filled from a bundle with one fault, and asked for what the sound one has."""
    folder = Path(shutil.copytree(tmp_path / "sound", tmp_path / "faulty"))
    fault(folder)
    faulty, asker = read(folder / "budnet.yaml"), puller(sound, twin)
    mirror.carried(faulty, tmp_path / "one")
    mirror.carried(sound, tmp_path / "two")
    mirror.fill(faulty, twin, asker, tmp_path / "one")
    table: Truth = mirror.pulled(sound, twin, asker, mirror._rows(tmp_path / "two"))
    rows = [d.json() for d in table.disagree]
    assert [r["dst"] for r in rows] == [f"main/back/mirror {name}"]
    assert says in rows[0]["observed"]
    line = int(str(rows[0]["origin"]).split(":")[-2])
    assert name in (tmp_path / "sound" / "budnet.yaml").read_text().splitlines()[line - 1]
