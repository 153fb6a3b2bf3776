"""`graben imaging facies` and `facies-benchmark`, as a user runs them."""

import json

import numpy as np
import pytest

from graben.imaging import open_volume, write_new_segy


@pytest.fixture
def line(tmp_path):
    """A volume of layers over noise, and strokes on its second inline."""
    generator = np.random.default_rng(0)
    image = np.sin(2 * np.pi * np.arange(40) / 8) * np.ones((3, 160, 1))
    image = image + 0.1 * generator.standard_normal(image.shape)
    image[:, :, 20:] = generator.standard_normal((3, 160, 20))
    from graben.imaging import in_memory_volume

    path = tmp_path / "volume.sgy"
    write_new_segy(path, in_memory_volume(image))
    rows = [
        f"2,{crossline},{time},{name}"
        for crossline in range(3, 160, 6)
        for time, name in ((32, "layers"), (132, "chaos"))
    ]
    strokes = tmp_path / "strokes.csv"
    strokes.write_text("\n".join(["inline,crossline,time,class", *rows]))
    return path, strokes


def test_strokes_become_a_map_a_page_and_a_model(graben, line, tmp_path):
    path, strokes = line
    out = tmp_path / "made" / "facies.sgy"
    done = graben("imaging", "facies", path, "--strokes", strokes, "--out", out, "--json")
    assert done.code == 0, done.err
    found = done.json()
    assert [one["class"] for one in found["classes"]] == ["chaos", "layers"]
    assert sum(one["share"] for one in found["classes"]) == pytest.approx(1)
    score = found["scores"]["mean class accuracy"]
    assert 0.9 < score["low"] <= score["value"] <= score["high"]
    assert [one["labels a class"] for one in found["curve"]] == [2, 5, 10, 20]
    mapped = open_volume(out)
    codes = mapped.read((slice(0, 3), slice(0, 160), slice(0, 40)))
    assert (codes[:, :, 4:16] == 2).mean() > 0.95
    assert (codes[:, :, 26:] == 1).mean() > 0.95
    sure = open_volume(out.with_name("facies_confidence.sgy"))
    assert sure.shape == mapped.shape
    page = out.with_suffix(".html").read_text()
    for said in ("held out", "mean class accuracy", "layers", "With fewer labels"):
        assert said in page
    again = tmp_path / "again.sgy"
    model = tmp_path / "made" / "facies_model"
    done = graben("imaging", "facies", path, "--model", model, "--out", again)
    assert done.code == 0, done.err
    assert "layers" in done.out
    region = (slice(0, 3), slice(0, 160), slice(0, 40))
    assert (open_volume(again).read(region) == codes).all()


def test_what_cannot_be_is_refused_before_any_work(graben, line, tmp_path):
    path, strokes = line
    for arguments, reason in (
        (("--out", tmp_path / "a.sgy"), "--strokes FILE to learn from, or --model"),
        (("--out", path, "--strokes", strokes), "never written to"),
        (("--out", tmp_path / "a.png", "--strokes", strokes), ".sgy, .segy or .zarr"),
        (
            ("--out", tmp_path / "a.sgy", "--strokes", strokes, "--encoder", tmp_path / "none"),
            "expected the folder of a fault net",
        ),
        (("--out", tmp_path / "a.sgy", "--strokes", tmp_path / "no.csv"), "no file"),
    ):
        done = graben("imaging", "facies", path, *arguments)
        assert done.code != 0
        assert reason in " ".join(done.err.split())
        assert "Traceback" not in done.err
    assert not (tmp_path / "a.sgy").exists()


def test_the_benchmark_stands_beside_its_published_rows(graben, tmp_path):
    generator = np.random.default_rng(0)
    for place, name, shape in (
        ("train", "train", (4, 30, 36)),
        ("test_once", "test1", (2, 30, 36)),
        ("test_once", "test2", (3, 20, 36)),
    ):
        (tmp_path / place).mkdir(exist_ok=True)
        labels = np.broadcast_to(np.arange(36) // 6, shape)
        np.save(tmp_path / place / f"{name}_labels.npy", labels)
        values = (1 + labels) * generator.standard_normal(shape)
        np.save(tmp_path / place / f"{name}_seismic.npy", values)
    out = tmp_path / "scores.json"
    done = graben("imaging", "facies-benchmark", tmp_path, "--labels", "30", "--out", out)
    assert done.code == 0, done.err
    assert "Section+aug+skip" in done.out
    assert "graben" in done.out
    assert json.loads(out.read_text())["both"]["pixel accuracy"] > 0.5
