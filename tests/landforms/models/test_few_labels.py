import numpy as np
import pytest

from graben.errors import InputError, ModelError
from graben.landforms import fractal
from graben.landforms.dem import on_map, write_raster
from graben.landforms.dem_file import DemFile
from graben.landforms.labels import Labels
from graben.landforms.models import few_labels
from graben.landforms.models.active import chosen, suggest
from graben.landforms.models.few_labels import FewLabels
from graben.learning.store import save_model
from graben.tiling import plan_tiles


@pytest.fixture(scope="module")
def land():
    """A smooth west and a rough east, with a void between."""
    smooth = fractal(90, 240, hurst=0.9, relief=300.0, seed=1)
    rough = fractal(90, 240, hurst=0.3, relief=300.0, seed=2)
    is_rough = np.arange(240) >= 120
    made = smooth.copy(data=np.where(is_rough, rough, smooth).astype(np.float32))
    made[50:60, 110:130] = np.nan
    return made, np.broadcast_to(np.where(is_rough, 2, 1), made.shape)


def clicks(truth, count, seed=0):
    generator = np.random.default_rng(seed)
    index = np.concatenate(
        [generator.permutation(np.flatnonzero(truth == code))[:count] for code in (1, 2)]
    )
    rows, columns = np.divmod(index, truth.shape[1])
    codes = truth.ravel()[index].astype(np.uint8)
    return Labels(("smooth", "rough"), rows, columns, codes, {})


@pytest.fixture(scope="module")
def model(land):
    return FewLabels().fit(land[0], clicks(land[1], 15))


@pytest.fixture(scope="module")
def answer(model, land):
    return model.predict(land[0])


def test_a_few_clicks_map_what_differs(land, answer):
    classes = answer["classes"].to_numpy()
    known = classes > 0
    assert (classes == land[1])[known].mean() > 0.9
    assert known.mean() > 0.95


def test_held_out_blocks_foresee_how_good_the_map_is(model, land, answer):
    classes = answer["classes"].to_numpy()
    right = (classes == land[1])[classes > 0].mean()
    accuracy = model.evaluation_.scores()["all"]["accuracy"]
    assert accuracy.low - 0.1 < right
    assert accuracy.value == pytest.approx(right, abs=0.15)


def test_what_is_unknown_is_said(land, answer):
    void = np.isnan(land[0].to_numpy())
    assert (answer["classes"].to_numpy()[void] == 0).all()
    unknown = answer["classes"].to_numpy() == 0
    for name in ("confidence", "entropy"):
        assert np.array_equal(np.isnan(answer[name].to_numpy()), unknown)
    known = ~unknown
    confidence, entropy = (answer[name].to_numpy()[known] for name in ("confidence", "entropy"))
    assert ((confidence >= 0.5) & (confidence <= 1)).all()
    assert ((entropy >= 0) & (entropy <= 1)).all()
    assert np.corrcoef(confidence, entropy)[0, 1] < -0.9


def test_the_same_seed_gives_the_same_map(land, model, answer):
    again = FewLabels().fit(land[0], clicks(land[1], 15)).predict(land[0])
    assert again.equals(answer)


def test_a_model_on_disk_answers_alike(land, model, answer, tmp_path):
    model.save(tmp_path / "model", {"training_data": "clicks"})
    loaded = FewLabels.load(tmp_path / "model")
    assert loaded.predict(land[0]).equals(answer)
    assert loaded.classes_ == ("smooth", "rough")
    assert loaded.importance_ == model.importance_
    assert loaded.scores_ == model.scores_


def test_a_dem_on_disk_is_classified_alike(land, model, answer, tmp_path):
    write_raster(tmp_path / "dem.tif", land[0])
    found = model.predict(DemFile(tmp_path / "dem.tif"))
    assert np.array_equal(found["classes"].to_numpy(), answer["classes"].to_numpy())


def test_large_tiles_are_worked_through_in_parts(land, model, answer, monkeypatch):
    monkeypatch.setattr(few_labels, "TILE", 64)
    block, heights = model.block(land[0]), land[0].to_numpy()
    whole = plan_tiles(heights.shape, heights.shape, 0)[0]
    found = block(heights, whole, heights.shape)
    assert (found["classes"] == answer["classes"].to_numpy()).mean() > 0.9999
    confidence = answer["confidence"].to_numpy()
    assert (np.isclose(found["confidence"], confidence, equal_nan=True)).mean() > 0.999


def test_other_models_are_refused(tmp_path):
    save_model(tmp_path / "other", {"w": np.zeros(1)}, {"model": "grid-cnn"})
    with pytest.raises(ModelError, match="holds the model grid-cnn"):
        FewLabels.load(tmp_path / "other")
    save_model(tmp_path / "old", {"w": np.zeros(1)}, {"model": "few-labels", "features": ["slope"]})
    with pytest.raises(ModelError, match="other features"):
        FewLabels.load(tmp_path / "old")


def test_labels_without_features_are_left_out_and_counted(land):
    found = clicks(land[1], 15)
    edge = Labels(
        found.classes,
        np.r_[found.rows, 0, 55],
        np.r_[found.columns, 7, 120],
        np.r_[found.codes, 1, 2].astype(np.uint8),
        {},
    )
    fitted = FewLabels().fit(land[0], edge)
    assert fitted.left_out_["on the edge or on a void"] >= 2
    assert sum(fitted.counts_.values()) + fitted.left_out_["on the edge or on a void"] == 32


def test_a_class_that_lies_on_voids_only_is_refused(land):
    rows = np.array([20, 30, 53, 54])
    columns = np.array([20, 30, 115, 120])
    codes = np.array([1, 1, 2, 2], np.uint8)
    with pytest.raises(InputError, match=r"too few have: rough \(0\)"):
        FewLabels().fit(land[0], Labels(("smooth", "rough"), rows, columns, codes, {}))


def test_land_unlike_that_of_the_labels_is_marked(model, land):
    assert float(model.predict(land[0])["unlike"].mean()) < 0.02
    steep = land[0] * 20
    found = float(model.predict(steep)["unlike"].mean())
    assert found > 0.3
    assert any("unlike" in one for one in model.warnings(steep, found))


def test_cells_of_another_size_are_warned_of(model, land):
    y, x = (np.asarray(land[0][name]) * 4 for name in ("y", "x"))
    coarse = on_map(land[0].to_numpy(), y, x, "EPSG:32636")
    assert any("4 times as wide" in one for one in model.warnings(coarse, 0.0))
    assert model.warnings(land[0], 0.0) == []


def test_texture_tells_rough_from_smooth(model):
    lost = {group: mean for group, (mean, _) in model.importance_.items()}
    assert set(lost) >= {"geomorphons", "texture", "openness"}
    assert max(lost.values()) > 0.02


def test_suggestions_are_doubtful_new_and_on_the_map(model, land):
    found = suggest(model, land[0], count=5)
    assert found["rank"].tolist() == [1, 2, 3, 4, 5]
    assert found.crs.to_epsg() == 32636
    column = ((found.geometry.x - 500_000) // 30).astype(int)
    row = ((4_300_000 - found.geometry.y) // 30).astype(int)
    assert not np.isnan(land[0].to_numpy()[row, column]).any()
    guesses = model.predict(land[0])["classes"].to_numpy()[row, column]
    assert [model.classes_[code - 1] for code in guesses] == found["guess"].tolist()


def test_the_most_doubtful_places_that_lie_apart_are_chosen():
    sure = np.array([0.99, 0.51, 0.52, 0.6, 0.9])
    places = np.array([[0, 0], [50, 50], [55, 41], [50, 60], [90, 5]])
    taken = chosen(np.c_[sure, 1 - sure], places, 3)
    assert taken.tolist() == [1, 3, 4]  # the second most doubtful lies 9 cells from the first
    assert chosen(np.c_[sure, 1 - sure], places, 9).tolist() == [1, 3, 4, 0]
