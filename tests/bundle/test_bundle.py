"""A bundle is whole and signed, or what is wrong with it is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from budnet.bundle import chunks, lock, oci, write
from budnet.bundle.oci import BadBundle
from budnet.bundle.push import split
from budnet.bundle.verify import Fault, verify
from budnet.errors import OutputError
from budnet.ir.bundle import Bundle
from budnet.pipeline import load
from bundle.made import everything, image, layout

Damage = Callable[[Path], None]


def listed(file: Path) -> Bundle:
    found = load(str(file))
    assert found.network is not None, found.diagnostics
    assert found.network.bundle is not None
    return found.network.bundle


def written(folder: Path, name: str = "out") -> Path:
    """A bundle of everything, with its key beside it."""
    file = folder / "budnet.yaml"
    if not file.exists():
        everything(folder)
    key = lock.private_key(folder / "a.key")
    (folder / "a.pub").write_bytes(lock.public_text(key.public_key()))
    write.write("vault", listed(file), folder, folder / name, key)
    return folder / name


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    """A bundle to spoil."""
    shutil.copy(sound.parent / "a.pub", tmp_path / "a.pub")
    return Path(shutil.copytree(sound, tmp_path / "out"))


def faults(bundle: Path) -> list[Fault]:
    return verify(bundle, bundle.parent / "a.pub")[1]


def blob_of(bundle: Path, name: str, number: int = -1) -> Path:
    """A blob of an artefact: 0 is its manifest."""
    row = next(r for r in lock.read((bundle / lock.LOCK).read_bytes())["artefacts"] if r["name"] == name)
    top = oci.Descriptor(row["mediaType"], row["digest"], 0)
    below = list(oci.leads_to(top, lambda d: write.blob(bundle, d.digest).read_bytes()))
    return write.blob(bundle, below[number].digest)


def test_a_sound_one_is_good(sound: Path) -> None:
    said, found = verify(sound, sound.parent / "a.pub")
    assert not found
    kinds = {r["kind"] for r in said["artefacts"]}
    assert kinds == {"image", "chart", "model", "file"}
    model = next(r for r in said["artefacts"] if r["kind"] == "model")
    assert [f["path"] for f in model["files"]] == ["config.json", "model.safetensors"]
    assert next(r for r in said["artefacts"] if r["kind"] == "chart")["images"] == ["ghcr.io/shop/web:1.2"]
    assert said["needed"] == [{"for": "web", "image": "ghcr.io/shop/web:1.2"}]


def test_equal_input_gives_equal_bytes(sound: Path, tmp_path: Path) -> None:
    shutil.copytree(sound.parent, tmp_path / "b", ignore=shutil.ignore_patterns("out*"))
    again = written(tmp_path / "b", "again")
    there = {p.relative_to(sound): p.read_bytes() for p in sound.rglob("*") if p.is_file()}
    assert there == {p.relative_to(again): p.read_bytes() for p in again.rglob("*") if p.is_file()}


# ---- what can be wrong with one -----------------------------------------------------------------------------------------------


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def edit_lock(bundle: Path) -> None:
    said = json.loads((bundle / lock.LOCK).read_bytes())
    said["artefacts"] = said["artefacts"][1:]
    (bundle / lock.LOCK).write_bytes(oci.as_json(said))


def sign_anew(bundle: Path, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    """Somebody with the key signs a lock that is wrong."""
    said = json.loads((bundle / lock.LOCK).read_bytes())
    change(said)
    text = oci.as_json(said)
    key = lock.private_key(bundle.parent / "b.key")
    (bundle.parent / "a.pub").write_bytes(lock.public_text(key.public_key()))
    (bundle / lock.LOCK).write_bytes(text)
    (bundle / lock.SIGNATURE).write_bytes(lock.sign(key, text))


def other_key(bundle: Path) -> None:
    key = lock.private_key(bundle.parent / "b.key")
    (bundle / lock.SIGNATURE).write_bytes(lock.sign(key, (bundle / lock.LOCK).read_bytes()))
    (bundle / lock.PUBLIC).write_bytes(lock.public_text(key.public_key()))


def without_image(said: dict) -> None:  # type: ignore[type-arg]
    said["artefacts"] = [r for r in said["artefacts"] if r["name"] != "ghcr.io/shop/web:1.2"]


def without_layer(said: dict) -> None:  # type: ignore[type-arg]
    model = next(r for r in said["artefacts"] if r["kind"] == "model")
    del said["blobs"][model["files"][1]["digest"]]


def other_algorithm(said: dict) -> None:  # type: ignore[type-arg]
    said["artefacts"][-1]["digest"] = "sha512:" + "0" * 128


def other_file(said: dict) -> None:  # type: ignore[type-arg]
    model = next(r for r in said["artefacts"] if r["kind"] == "model")
    model["files"][0]["digest"] = "sha256:" + "0" * 64


DAMAGE: dict[str, tuple[Damage, str, str]] = {  # what is done: (how, artefact, what is said of it)
    "blob truncated": (lambda b: cut_short(blob_of(b, "shop/api:7")), "shop/api:7", "bytes and not"),
    "bit changed": (lambda b: flip(blob_of(b, "shop/api:7")), "shop/api:7", "the blob was changed"),
    "model file changed": (lambda b: flip(blob_of(b, "models/tiny:1")), "models/tiny:1", "the blob was changed"),
    "layer removed": (lambda b: blob_of(b, "ghcr.io/shop/web:1.2").unlink(), "ghcr.io/shop/web:1.2", "the blob is missing"),
    "manifest removed": (lambda b: blob_of(b, "shop/both:1", 1).unlink(), "", "the blob is missing"),
    "wrong key": (other_key, "", "another key than yours"),
    "signature gone": (lambda b: (b / lock.SIGNATURE).unlink(), "", "the signature is missing"),
    "signature is no signature": (lambda b: (b / lock.SIGNATURE).write_text("none"), "", "changed after it was signed"),
    "lock edited": (edit_lock, "", "changed after it was signed"),
    "extra file": (lambda b: (b / "blobs" / "sha256" / "payload").write_text("x"), "", "the lock does not have this file"),
    "extra file at the top": (lambda b: (b / "run.sh").write_text("x"), "", "the lock does not have this file"),
    "index edited": (lambda b: (b / "index.json").write_text('{"manifests": []}'), "", "the index was changed"),
    "no layout file": (lambda b: (b / "oci-layout").unlink(), "", "the file is missing"),
    "image not carried": (lambda b: sign_anew(b, without_image), "ghcr.io/shop/web:1.2", "service 'web' runs it"),
    "layer not in the lock": (lambda b: sign_anew(b, without_layer), "models/tiny:1", "the lock does not have it"),
    "digest of another algorithm": (lambda b: sign_anew(b, other_algorithm), "models/tiny:1", "is no SHA-256 digest"),
    "model file of another digest": (lambda b: sign_anew(b, other_file), "models/tiny:1", "manifest does not have it"),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_named(copy: Path, what: str) -> None:
    damage, artefact, said = DAMAGE[what]
    damage(copy)
    found = faults(copy)
    assert any(said in f.what and artefact in (f.artefact, "") for f in found), found


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'{"schema": "budnet.bundle-lock/1"}', b"\xff"])
def test_what_is_no_lock_is_refused(copy: Path, text: bytes) -> None:
    (copy / lock.LOCK).write_bytes(text)
    with pytest.raises(BadBundle):
        faults(copy)


# ---- writing ------------------------------------------------------------------------------------------------------------------


def test_a_second_run_copies_nothing(sound: Path, tmp_path: Path) -> None:
    folder = tmp_path / "b"
    shutil.copytree(sound.parent, folder)
    seen: list[bool] = []
    key = lock.private_key(folder / "a.key")
    write.write("vault", listed(folder / "budnet.yaml"), folder, folder / "out", key, progress=lambda name, size, there: seen.append(there))
    assert seen
    assert all(seen)


def test_what_is_interrupted_goes_on(tmp_path: Path) -> None:
    file, key = everything(tmp_path), lock.private_key(tmp_path / "a.key")
    (tmp_path / "a.pub").write_bytes(lock.public_text(key.public_key()))
    count = 0

    def stop(name: str, size: int, there: bool) -> None:
        nonlocal count
        count += 1
        if count == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write.write("vault", listed(file), tmp_path, tmp_path / "out", key, progress=stop)
    assert not (tmp_path / "out").exists()
    seen: list[bool] = []
    write.write("vault", listed(file), tmp_path, tmp_path / "out", key, progress=lambda name, size, there: seen.append(there))
    assert seen[:5] == [True] * 5
    assert not all(seen)
    assert not faults(tmp_path / "out")


def test_a_source_that_lies_is_refused_and_nothing_is_left_at_its_place(tmp_path: Path) -> None:
    file, key = everything(tmp_path), lock.private_key(tmp_path / "a.key")
    layer = max((tmp_path / "web" / "blobs" / "sha256").iterdir(), key=lambda p: p.read_bytes()[:2] == b"\x1f\x8b")
    flip(layer)
    with pytest.raises(write.NotCarried, match=r"image 'ghcr.io/shop/web:1.2'.*other bytes"):
        write.write("vault", listed(file), tmp_path, tmp_path / "out", key)
    assert not (tmp_path / "out").exists()


def test_a_tag_that_was_moved_is_seen_where_the_digest_is_pinned(tmp_path: Path) -> None:
    file = everything(tmp_path)
    before = layout(tmp_path / "x", image("web"))
    shutil.rmtree(tmp_path / "web")
    layout(tmp_path / "web", image("something else"))
    file.write_text(file.read_text().replace("from: web}", f"from: web, digest: {before}}}"))
    with pytest.raises(write.NotCarried, match="has no sha256"):
        write.write("vault", listed(file), tmp_path, tmp_path / "out", lock.private_key(tmp_path / "a.key"))


def test_what_is_no_bundle_is_not_overwritten(tmp_path: Path) -> None:
    file = everything(tmp_path)
    with pytest.raises(OutputError):
        write.write("vault", listed(file), tmp_path, tmp_path / "tiny", lock.private_key(tmp_path / "a.key"))
    assert (tmp_path / "tiny" / "config.json").exists()


# ---- pieces -------------------------------------------------------------------------------------------------------------------


def test_pieces_join_to_the_same(sound: Path, tmp_path: Path) -> None:
    pieces = chunks.cut(sound, tmp_path / "pieces", 3000)
    assert len(pieces) > 3
    assert max(p.stat().st_size for p in pieces) == 3000
    chunks.join(tmp_path / "pieces", tmp_path / "out")
    assert {p.relative_to(sound): p.read_bytes() for p in sound.rglob("*") if p.is_file()} == {
        p.relative_to(tmp_path / "out"): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()
    }


@pytest.mark.parametrize("damage", [flip, cut_short, Path.unlink])
def test_a_piece_that_was_read_badly_is_named(sound: Path, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    pieces = chunks.cut(sound, tmp_path / "pieces", 3000)
    damage(pieces[2])
    with pytest.raises(BadBundle, match="piece-0003"):
        chunks.join(tmp_path / "pieces", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("text", "size"), [("4GB", 4 * 10**9), ("700mb", 7 * 10**8), ("2048", 2048)])
def test_sizes(text: str, size: int) -> None:
    assert chunks.size(text) == size


@pytest.mark.parametrize("text", ["", "4", "GB", "-1GB", "1.5GB", "100"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="no size"):
        chunks.size(text)


@pytest.mark.parametrize(
    ("name", "parts"),
    [("library/redis:7.2", ("library/redis", "7.2")), ("ghcr.io/a/b:1", ("a/b", "1")), ("127.0.0.1:5000/a:1", ("a", "1")), ("a/b", ("a/b", "latest")),
     ("localhost/a:2", ("a", "2")), ("r:5000/a/b", ("a/b", "latest")), ("a/b@sha256:" + "0" * 64, ("a/b", "latest"))],
)  # fmt: skip
def test_names_without_their_registry(name: str, parts: tuple[str, str]) -> None:
    assert split(name) == parts
