"""Snapshots of an index: whole or refused, with the reason."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np
import pytest

from embedding_worker import snapshot
from embedding_worker.exact_index import ExactIndex
from embedding_worker.index import ItemIndex
from embedding_worker.snapshot import SnapshotRefusedError, load, save


def filled(count: int = 50, seed: int = 1) -> ExactIndex:
    index = ExactIndex(8)
    for number, vector in enumerate(np.random.default_rng(seed).normal(size=(count, 8))):
        index.put(f"片{number}", vector)
    index.remove("片3")
    return index


def test_what_was_saved_comes_back_bit_for_bit(tmp_path: Path) -> None:
    index = filled()
    save(tmp_path, index, "m", "s", {0: 17, 3: 2})
    loaded = load(tmp_path, "s", 8)
    assert loaded.positions == {0: 17, 3: 2}
    copy = ItemIndex(8)
    loaded.fill(copy)
    assert len(copy) == len(index) == 49
    assert copy.search(np.ones(8), 49) == index.search(np.ones(8), 49)
    again, before = copy.export(), index.export()
    assert again[0] == before[0]
    np.testing.assert_array_equal(again[1], before[1])


def test_an_empty_index_and_none_at_all(tmp_path: Path) -> None:
    with pytest.raises(SnapshotRefusedError, match="there is no snapshot"):
        load(tmp_path, "s", 8)
    save(tmp_path, ExactIndex(8), "m", "s", {})
    assert load(tmp_path, "s", 8).ids == []


def test_another_space_or_width_is_refused(tmp_path: Path) -> None:
    save(tmp_path, filled(), "m", "s", {})
    with pytest.raises(SnapshotRefusedError, match="space 's'"):
        load(tmp_path, "t", 8)
    with pytest.raises(SnapshotRefusedError, match="8 numbers"):
        load(tmp_path, "s", 9)


def data_file(folder: Path) -> Path:
    (found,) = folder.glob("index-*.safetensors")
    return found


def test_every_kind_of_damage_is_refused(tmp_path: Path) -> None:
    save(tmp_path, filled(), "m", "s", {})
    whole = data_file(tmp_path).read_bytes()
    random = np.random.default_rng(2)
    for place in random.integers(0, len(whole), 60):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << random.integers(8)
        data_file(tmp_path).write_bytes(bytes(damaged))
        with pytest.raises(SnapshotRefusedError, match="checksum"):
            load(tmp_path, "s", 8)
    for size in (0, 1, 8, len(whole) // 2, len(whole) - 1):
        data_file(tmp_path).write_bytes(whole[:size])
        with pytest.raises(SnapshotRefusedError, match="checksum"):
            load(tmp_path, "s", 8)
    data_file(tmp_path).unlink()
    with pytest.raises(SnapshotRefusedError, match="can't be read"):
        load(tmp_path, "s", 8)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe", b'{"version": 1}'])
def test_a_damaged_sidecar_is_refused(tmp_path: Path, text: bytes) -> None:
    save(tmp_path, filled(), "m", "s", {})
    (tmp_path / snapshot.SIDECAR).write_bytes(text)
    with pytest.raises(SnapshotRefusedError, match="sidecar"):
        load(tmp_path, "s", 8)


@pytest.mark.parametrize("body", [b"", b"no tensors", b"\xff" * 100])
def test_bytes_that_are_no_tensors_are_refused_though_their_checksum_is_right(tmp_path: Path, body: bytes) -> None:
    sidecar = save(tmp_path, filled(), "m", "s", {})
    data_file(tmp_path).write_bytes(body)
    lying = msgspec.structs.replace(sidecar, sha256=hashlib.sha256(body).hexdigest())
    (tmp_path / snapshot.SIDECAR).write_bytes(msgspec.json.encode(lying))
    with pytest.raises(SnapshotRefusedError, match="understood"):
        load(tmp_path, "s", 8)


def test_a_sidecar_that_points_outside_its_folder_is_refused(tmp_path: Path) -> None:
    sidecar = save(tmp_path, filled(), "m", "s", {})
    lying = msgspec.structs.replace(sidecar, file="../elsewhere")
    (tmp_path / snapshot.SIDECAR).write_bytes(msgspec.json.encode(lying))
    with pytest.raises(SnapshotRefusedError, match="outside"):
        load(tmp_path, "s", 8)


def test_an_end_at_any_step_leaves_the_old_or_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = filled(20), filled(30, seed=2)
    steps = 0

    class Ended(BaseException):
        pass

    def ending_at(step: int):  # type: ignore[no-untyped-def]
        count = 0

        def wrap(original):  # type: ignore[no-untyped-def]
            def wrapped(*args, **kwargs):  # type: ignore[no-untyped-def]
                nonlocal count, steps
                count += 1
                steps = max(steps, count)
                if count == step:
                    raise Ended
                return original(*args, **kwargs)

            return wrapped

        return wrap

    for step in range(1, 10):
        folder = tmp_path / str(step)
        save(folder, old, "m", "s", {0: 1})
        with monkeypatch.context() as patch:
            wrap = ending_at(step)
            patch.setattr(os, "fsync", wrap(os.fsync))
            patch.setattr(Path, "replace", wrap(Path.replace))
            # A killed process cleans nothing up.
            patch.setattr(Path, "unlink", lambda *_, **__: None)
            with suppress(Ended):
                save(folder, new, "m", "s", {0: 2})
        loaded = load(folder, "s", 8)
        assert (len(loaded.ids), loaded.positions) in [(19, {0: 1}), (29, {0: 2})]
        save(folder, new, "m", "s", {0: 3})
        assert len(list(folder.iterdir())) == 2, "what a killed save left behind is swept"
    assert steps == 6


def test_a_full_disk_leaves_the_old_one_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, filled(20), "m", "s", {0: 1})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            save(tmp_path, filled(30), "m", "s", {0: 2})
    assert load(tmp_path, "s", 8).positions == {0: 1}
    assert len(list(tmp_path.iterdir())) == 2
