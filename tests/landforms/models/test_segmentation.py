"""Segmentation: samples without leaks, tiles without seams, mounds that are found again."""

import pickle

import numpy as np
import pytest
import torch
import xarray as xr

from graben.errors import InputError, ModelError
from graben.landforms.dem import on_map
from graben.landforms.models.segmentation import Segmentation, weighted_cross_entropy
from graben.landforms.models.segmentation_channels import turned, turned_map
from graben.landforms.models.segmentation_samples import (
    LabelledDem,
    Scaling,
    TurnedTiles,
    cut_tiles,
    split_tiles,
)
from graben.landforms.models.segmentation_scores import class_scores, confusion
from graben.landforms.models.segmentation_tile import calibrated
from graben.landforms.synthetic import fractal
from graben.learning import Recipe
from graben.tiling import plan_tiles

RADII = (1, 4)
RECIPE = Recipe(
    learning_rate=5e-3, mixup=0.2, patience=0, max_epochs=20, max_steps=60, batch_size=8
)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def mounds(seed: int, rows: int = 96, columns: int = 112, count: int = 12) -> LabelledDem:
    """Fractal terrain with round mounds: class 2; class 1 elsewhere, some cells unknown."""
    dem = fractal(rows, columns, hurst=0.9, relief=120.0, seed=seed)
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns]
    mask = np.ones((rows, columns), np.uint8)
    z = dem.values.copy()
    for _ in range(count):
        squared = ((y - rng.uniform(0, rows)) / 6) ** 2 + ((x - rng.uniform(0, columns)) / 6) ** 2
        z += 60 * np.maximum(1 - squared, 0)
        mask[squared < 0.8] = 2
    z[3:5, 40:50] = np.nan
    mask[-4:] = 0
    return LabelledDem(dem.copy(data=z.astype("f4")), mask)


@pytest.fixture(scope="module")
def model() -> Segmentation:
    model = Segmentation(("land", "mound"), RADII, width=4, depth=2)
    return model.fit([mounds(1), mounds(2)], RECIPE, side=32)


def test_it_finds_again_what_it_learned_elsewhere(model):
    area = mounds(9)
    found = model.predict(area.dem)
    table = confusion(area.mask[None], found["classes"].values[None], 2)
    scores = class_scores(table, model.classes)
    assert scores["mound"]["F1"]["value"] > 0.8
    assert model.validation_["mound"]["F1"]["value"] > 0.7


def test_tiles_leave_no_seams(model):
    dem = mounds(9, 90, 101).dem
    whole = model.predict(dem, size=512)
    tiled = model.predict(dem, size=16)
    for name in ("probability", "confidence"):
        np.testing.assert_allclose(tiled[name], whole[name], atol=1e-5)
    assert (tiled["classes"] == whole["classes"]).mean() > 0.9999


def test_a_map_says_what_is_void_and_how_sure_it_is(model):
    area = mounds(9)
    found = model.predict(area.dem)
    void = np.isnan(area.dem.values)
    assert (found["classes"].values[void] == 0).all()
    assert np.isnan(found["confidence"].values[void]).all()
    p = found["probability"].values[:, ~void]
    np.testing.assert_allclose(p.sum(0), 1, atol=1e-6)
    chosen = found["classes"].values[~void].astype(int) - 1
    np.testing.assert_array_equal(
        np.take_along_axis(p, chosen[None], 0)[0], found["confidence"].values[~void]
    )
    assert found.rio.crs == area.dem.rio.crs


def test_rough_land_is_marked_as_unlike_the_training(model):
    dem = mounds(9).dem
    assert model.predict(dem)["unlike"].mean() < 0.1
    assert model.predict(20 * dem)["unlike"].mean() > 0.5


def test_a_model_folder_gives_the_same_map(model, tmp_path):
    model.save(tmp_path / "model", {"training_data": "made", "licence": "Apache-2.0", "seed": 0})
    again = Segmentation.load(tmp_path / "model")
    dem = mounds(9).dem
    xr.testing.assert_equal(again.predict(dem), model.predict(dem))
    assert again.validation_ == model.validation_
    assert "mound" in (tmp_path / "model" / "CARD.md").read_text()


def test_a_run_that_was_killed_is_known_again(model, tmp_path):
    model.save(tmp_path / "model", {})
    dem = mounds(9).dem
    first, second = (Segmentation.load(tmp_path / "model").block(dem) for _ in range(2))
    content = pickle.dumps(first)
    [tile] = plan_tiles(dem.shape, 512, 0)
    answer = first(dem.values, tile, dem.shape)
    assert pickle.dumps(first) == pickle.dumps(second) == content
    again = pickle.loads(content)(dem.values, tile, dem.shape)
    np.testing.assert_array_equal(again["classes"], answer["classes"])


def test_other_cells_are_refused(model):
    dem = fractal(64, 64, cell=90.0)
    with pytest.raises(ModelError, match="30 m, this elevation model has 90 m"):
        model.predict(dem)


def test_a_line_and_tiles_that_do_not_fit_are_refused(model):
    dem = mounds(9).dem
    with pytest.raises(InputError, match="at least 2 rows"):
        model.predict(dem[:1])
    with pytest.raises(InputError, match="multiple of 4 cells"):
        model.predict(dem, size=18)


def test_training_is_repeatable_and_resumes(tmp_path):
    def trained(**more) -> Segmentation:
        short = Recipe(mixup=0.2, max_epochs=2, batch_size=8, patience=0, **more)
        model = Segmentation(("land", "mound"), (1,), width=2, depth=1)
        return model.fit([mounds(1)], short, side=16, checkpoint_folder=tmp_path)

    first = trained()
    again = trained()  # from the finished checkpoint
    (tmp_path / "last.ckpt").unlink()
    anew = trained()
    assert first.history_.train_loss == again.history_.train_loss == anew.history_.train_loss
    assert first.history_.seconds == again.history_.seconds
    with pytest.raises(ModelError, match="belongs to a training"):
        trained(seed=1)


def test_tiles_cover_what_is_labelled_and_show_what_lies_around_them():
    area = mounds(1)
    tiles = cut_tiles([area], 32, RADII)
    whole = cut_tiles([LabelledDem(area.dem[:96, :96], area.mask[:96, :96])], 96, RADII)
    seen = np.zeros(area.mask.shape, bool)
    for channels, (_, row, column) in zip(tiles.channels, tiles.places, strict=True):
        seen[row : row + 32, column : column + 32] = True
        if column + 32 <= 88 - max(RADII):  # the reduced model ends further east
            expected = whole.channels[0, :, row : row + 32, column : column + 32]
            np.testing.assert_allclose(channels, expected, atol=1e-5)
    assert seen[area.mask > 0].all()
    assert (tiles.codes[:, :, :][np.isnan(tiles.channels[:, -1])] == 0).all()


def test_no_training_label_is_near_a_tile_that_is_held_out():
    areas = [mounds(1), mounds(2)]
    buffer = 6
    training, held = split_tiles(cut_tiles(areas, 16, RADII), 2, buffer)
    total = cut_tiles(areas, 16, RADII)
    assert 0.1 < len(held.codes) / len(total.codes) < 0.3
    for number, area in enumerate(areas):
        near = np.zeros(area.mask.shape, bool)
        for other, row, column in held.places:
            if other == number:
                near[
                    max(row - buffer, 0) : row + 16 + buffer,
                    max(column - buffer, 0) : column + 16 + buffer,
                ] = True
        used = np.zeros(area.mask.shape, bool)
        for codes, (other, row, column) in zip(training.codes, training.places, strict=True):
            if other == number:
                used[row : row + 16, column : column + 16] |= codes > 0
        assert used.any()
        assert not (used & near).any()


def test_samples_turn_and_unknown_cells_weigh_nothing():
    tiles = cut_tiles([mounds(1)], 32, RADII)
    scaled = Scaling.of(tiles.channels).apply(tiles.channels)
    samples = TurnedTiles(scaled, tiles.codes, np.array([0.5, 3.0]))
    batch = samples.batch(np.array([5, 8 + 2]))
    assert len(samples) == 8 * len(tiles.codes)
    np.testing.assert_array_equal(batch["x"][0], turned(scaled[0], 5))
    codes = turned_map(tiles.codes[1], 2)
    np.testing.assert_array_equal(batch["y"][1, 1], np.where(codes == 2, 3.0, 0.0))
    np.testing.assert_array_equal(batch["y"][1, 0], np.where(codes == 1, 0.5, 0.0))


def test_scaling_commutes_with_turning():
    tiles = cut_tiles([mounds(1)], 32, RADII)
    scaling = Scaling.of(tiles.channels)
    for symmetry in range(8):
        np.testing.assert_allclose(
            scaling.apply(turned(tiles.channels[0], symmetry)),
            turned(scaling.apply(tiles.channels[0]), symmetry),
            atol=1e-6,
        )


def test_the_loss_equals_the_loop_and_a_weighted_training_is_corrected():
    rng = np.random.default_rng(0)
    logits = torch.tensor(rng.normal(size=(2, 3, 2, 2)))
    codes = rng.integers(0, 4, (2, 2, 2)).astype(np.uint8)
    weights = np.array([1.0, 2.0, 5.0])
    y = TurnedTiles(np.zeros((2, 3, 2, 2), "f4"), codes, weights, 1).batch(np.arange(2))["y"]
    got = weighted_cross_entropy(logits, {"y": y})
    for sample in range(2):
        total = 0.0
        for i in range(2):
            for j in range(2):
                if code := codes[sample, i, j]:
                    p = np.exp(logits[sample, :, i, j].numpy())
                    total -= weights[code - 1] * np.log(p[code - 1] / p.sum())
        assert float(got[sample]) == pytest.approx(total / 4, abs=1e-6)
    # the minimum of the weighted loss lies at w p; p comes back
    p = np.array([0.7, 0.2, 0.1])
    learned = np.log(weights * p / (weights * p).sum())
    np.testing.assert_allclose(np.exp(calibrated(learned[:, None, None], weights))[:, 0, 0], p)


def test_scores_are_those_of_the_table():
    codes = np.array([[1, 1, 2, 2, 0], [1, 2, 2, 2, 2]])
    mapped = np.array([[1, 2, 2, 2, 1], [1, 1, 2, 0, 2]])
    table = confusion(codes, mapped, 2)
    assert table.tolist() == [[[1, 1], [0, 2]], [[1, 0], [1, 2]]]
    scores = class_scores(table, ("a", "b"))
    assert scores["a"]["precision"]["value"] == pytest.approx(2 / 3)
    assert scores["b"]["recall"]["value"] == pytest.approx(4 / 5)
    assert scores["b"]["F1"]["value"] == pytest.approx(8 / 10)
    assert scores["b"]["IoU"]["value"] == pytest.approx(4 / 6)
    assert scores["mean"]["F1"]["value"] == pytest.approx((2 / 3 + 0.8) / 2)
    assert scores["b"]["F1"]["low"] <= 0.8 <= scores["b"]["F1"]["high"]


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda area: {"side": 30}, "multiple of 4"),
        (lambda area: {"side": 128}, "at least 128 rows"),
        (lambda area: {"side": 64}, "at least 5 tiles"),
        (lambda area: {"mask": np.zeros_like(area.mask)}, "no labelled cell"),
        (lambda area: {"mask": area.mask + 1}, "got 3"),
        (lambda area: {"mask": area.mask[:-1]}, "a mask of the shape"),
        (lambda area: {"mask": np.minimum(area.mask, 1)}, "every class is on both sides"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(break_it, message):
    area = mounds(1)
    broken = break_it(area)
    with pytest.raises(InputError, match=message):
        Segmentation(("land", "mound"), RADII, 2, 2).fit(
            [LabelledDem(area.dem, broken.get("mask", area.mask))],
            RECIPE,
            side=broken.get("side", 16),
        )


def test_cells_of_two_sizes_and_a_single_class_are_refused():
    coarse = fractal(64, 64, cell=90.0)
    other = LabelledDem(coarse, np.ones((64, 64), np.uint8))
    with pytest.raises(InputError, match="30 m, 90 m"):
        Segmentation(("land", "mound"), RADII).fit([mounds(1), other])
    with pytest.raises(InputError, match="2 to 255"):
        Segmentation(("mound",))


def test_degrees_are_measured_row_by_row(model):
    z = mounds(9).dem.values
    step = 30 / 111_320
    y, x = 60 - step * np.arange(z.shape[0]), 2 * step * np.arange(z.shape[1])
    placed = on_map(z, y, x, "EPSG:4326")  # at 60 degrees, cells of about 30 m
    found = model.predict(placed)["classes"].values
    expected = model.predict(mounds(9).dem)["classes"].values
    assert (found == expected).mean() > 0.98
