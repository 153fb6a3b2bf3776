"""`graben imaging train` and `adapt` through the real command line."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graben.imaging.models import adaptation, fault_training
from graben.imaging.models.faults import FaultNet
from graben.imaging.segy_writing import write_zarr
from graben.imaging.synthetic import draw_window
from graben.imaging.volume import in_memory_volume
from graben.learning.nets import UNetConfig


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"volume": ((24, 24, 24), 2), "line": ((1, 32, 32), 2)}
    monkeypatch.setattr(fault_training, "CHECKS", sizes)
    monkeypatch.setattr(adaptation, "CHECKED", 2)
    plans = fault_training.PLANS
    tiny = {
        "volume": replace(plans["volume"], shape=(16, 16, 16), held=2),
        "section": replace(
            plans["section"], config=UNetConfig(2, 1, 1, width=4, depth=1), shape=(1, 32, 32)
        ),
    }
    monkeypatch.setattr(fault_training, "PLANS", tiny)


def test_train_writes_each_preset_with_its_card_and_clears_up(graben, tmp_path: Path) -> None:
    for preset in ("volume", "section", "best"):
        out = tmp_path / preset
        done = graben(
            "imaging", "train", "--preset", preset, "--steps", 2, "--seed", 3, "--out", out
        )
        assert done.code == 0, done.err
        assert "calibration error" in done.out
        assert FaultNet.load(out).preset == preset
        assert "synthetic images" in (out / "CARD.md").read_text()
        assert not out.with_name(f"{preset}.training").exists()


def test_train_prints_json_and_refuses_what_cannot_be(graben, tmp_path: Path) -> None:
    done = graben("imaging", "train", "--steps", 2, "--out", tmp_path / "net", "--json")
    assert done.json()["cost"]["steps"] == 2
    refused = graben("imaging", "train", "--processes", 9, "--out", tmp_path / "more")
    assert refused.code == 2
    assert "at most 2 processes" in refused.err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("dear to me")
    refused = graben("imaging", "train", "--steps", 2, "--out", tmp_path / "mine")
    assert refused.code == 2
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_adapt_learns_from_a_line_or_says_why_not(
    graben, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = draw_window(np.random.default_rng(4), (2, 128, 64))
    write_zarr(tmp_path / "survey.zarr", in_memory_volume(drawn.amplitude))
    np.save(tmp_path / "picks.npy", drawn.fault[0])
    assert graben(
        "imaging", "train", "--preset", "section", "--steps", 2, "--out", tmp_path / "net"
    ).code == 0  # fmt: skip
    arguments = (
        "imaging", "adapt", tmp_path / "survey.zarr", "--picks", tmp_path / "picks.npy",
        "--model", tmp_path / "net",
    )  # fmt: skip
    refused = graben(*arguments, "--out", tmp_path / "adapted")
    assert refused.code == 2
    assert "--inline" in refused.err
    learned = adaptation._learned

    def briefly(own, line, _, seed):
        return learned(own, line, 2.0, seed)

    monkeypatch.setattr(adaptation, "_learned", briefly)
    first = in_memory_volume(drawn.amplitude).inlines[0]
    done = graben(*arguments, "--inline", first, "--out", tmp_path / "adapted", "--json")
    assert done.code == 0, done.err
    told = done.json()
    assert told["helped"] == (told["after"] > told["before"])
    assert (tmp_path / "adapted").exists() == told["helped"]
    monkeypatch.setattr(adaptation, "_learned", lambda own, *_: own)
    kept = graben(*arguments, "--inline", first, "--out", tmp_path / "same")
    assert kept.code == 0
    assert "is kept as it is" in " ".join(kept.err.split())
    assert not (tmp_path / "same").exists()
    over = graben(*arguments, "--inline", first, "--out", tmp_path)
    assert over.code == 2
