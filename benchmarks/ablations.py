"""What each part is worth: landform channels and the aids of training, each in and out.

Every row retrains; gains are paired with the full model on the same test windows or samples and
carry 95 % intervals from half-year blocks. About 15 minutes on two cores:

    python benchmarks/ablations.py --out out/bench
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from graben.datasets import load_elevation
from graben.evaluation.comparison import block_bootstrap, paired_gain
from graben.evaluation.splits import SpaceBlocks
from graben.quakes.catalog import embedded_catalog
from graben.quakes.models.grid_cnn import RECIPE, GridCnn
from graben.quakes.models.mixture import Omori
from graben.quakes.models.rates import Seen, watch
from graben.quakes.models.samples import place_samples
from graben.quakes.models.survey_cnn import LightCnn
from graben.quakes.scene import ANATOLIA
from graben.quakes.study import Study
from graben.quakes.testing.rates import interval_dict, log_likelihood, window_blocks

BLOCK_DEGREES = 10.0


def rows_of_grid_net(study: Study) -> dict[str, dict[str, float]]:
    """Retrain the grid net with one thing changed at a time."""
    variants = {
        "full": GridCnn(),
        "landforms out": GridCnn(terrain=False),
        "weight decay out": GridCnn(recipe=replace(RECIPE, weight_decay=0.0)),
        "dropout out": GridCnn(dropout=0.0),
        "early stopping out": GridCnn(
            recipe=replace(RECIPE, patience=0, keep_best=False, max_epochs=60)
        ),
        "mixup in": GridCnn(recipe=replace(RECIPE, mixup=0.2)),
        "learning-rate decay in": GridCnn(recipe=replace(RECIPE, schedule="cosine")),
        "one seed instead of three": GridCnn(seeds=1),
    }
    for model in variants.values():
        model.fit_rates(study)
    omori = Omori()
    omori.fit_rates(study)
    seen = watch({**variants, "omori": omori}, study, study.windows_of("test"))
    quiet = study.windows_of("test")
    quiet = quiet[study.issue_times[quiet].year != 2023]
    rows = {}
    for name in variants:
        rows[name] = {
            "over_omori": paired(study, seen[name], seen["omori"]),
            "over_omori_without_2023": paired(
                study, seen[name].part(quiet), seen["omori"].part(quiet)
            ),
            "minus_full": paired(study, seen[name], seen["full"]),
        }
    return rows


def paired(study: Study, ours: Seen, theirs: Seen) -> dict[str, float]:
    """Return the gain in nats per event with its interval."""
    first, events = log_likelihood(study, ours, 0)
    second, _ = log_likelihood(study, theirs, 0)
    return interval_dict(block_bootstrap(first - second, events))


def spatial_hold_out(study: Study) -> dict[str, dict[str, float]]:
    """Learn the correction on blocks of 10 degrees, score it on the blocks left out."""
    lon, lat = np.meshgrid(study.grid.longitude, study.grid.latitude)
    folds = SpaceBlocks(BLOCK_DEGREES, folds=4).split(lon.ravel(), lat.ravel())
    sums = {"with landforms": 0.0, "without landforms": 0.0}
    blocks = dict.fromkeys(sums, 0.0)
    events = 0.0
    for learned, held in folds:
        allowed = np.zeros(study.grid.shape, bool)
        allowed.ravel()[learned] = True
        left_out = ~allowed
        models = {
            "with landforms": GridCnn(seeds=2, cells=allowed),
            "without landforms": GridCnn(seeds=2, terrain=False, cells=allowed),
        }
        for model in models.values():
            model.fit_rates(study)
        gains, count = held_out_gain(study, models, left_out)
        events = events + count
        for name, gain in gains.items():
            blocks[name] = blocks[name] + gain
        assert held.size
    found = {f"{name}, over omori": block_bootstrap(blocks[name], events) for name in sums}
    difference = blocks["with landforms"] - blocks["without landforms"]
    found["landforms, paired"] = block_bootstrap(difference, events)
    return {name: interval_dict(interval) for name, interval in found.items()}


def held_out_gain(study, models, left_out):
    """Return each model's log-likelihood over Omori in the cells left out, by block of time."""
    windows = study.windows_of("test")
    times = study.issue_times[windows]
    number = window_blocks(study, windows)
    counts = study.counts("test")
    gains = {name: np.zeros(number.max() + 1) for name in models}
    events = np.zeros(number.max() + 1)
    for batch, maps in study.batches(times, "windows left out"):
        seen = counts[batch] * left_out
        np.add.at(events, number[batch], seen.sum(axis=(1, 2)))
        for name, model in models.items():
            base = model.omori_.rates_of(study, times[batch], maps)
            rates = model.rates_of(study, times[batch], maps)
            gain = seen * np.log(rates / base) - (rates - base) * left_out
            np.add.at(gains[name], number[batch], gain.sum(axis=(1, 2)))
    return gains, events


def rows_of_light_net(study: Study) -> dict[str, dict[str, float]]:
    """Retrain the light net with one thing changed at a time."""
    full = LightCnn.tuned()
    recipes = {
        "full": full,
        "mixup out": replace(full, mixup=0.0),
        "weight decay out": replace(full, weight_decay=0.0),
        "learning-rate decay out": replace(full, schedule="constant"),
        "early stopping out": replace(full, keep_best=False),
        "second seed": replace(full, seed=1),
    }
    drawn = place_samples(study)["test"]
    windows, window = np.unique(drawn.window, return_inverse=True)
    blocks = window_blocks(study, windows)[window]
    outcome = drawn.outcome.astype(float)
    losses = {}
    for name, recipe in recipes.items():
        p = np.clip(LightCnn(recipe).fit(study).probabilities(study, drawn), 1e-12, 1 - 1e-12)
        losses[name] = -np.where(outcome > 0, np.log(p), np.log1p(-p))
    return {
        name: {
            "minus_full_mnat": {
                key: 1e3 * value
                for key, value in interval_dict(
                    paired_gain(loss, losses["full"], drawn.weight, blocks)
                ).items()
            }
        }
        for name, loss in losses.items()
    }


def show(title: str, rows: dict) -> None:
    """Print a table."""
    print(f"\n{title}")
    for name, columns in rows.items():
        entries = columns if "value" not in columns else {"": columns}
        text = "   ".join(
            f"{key} {of['value']:+.4f} [{of['low']:+.4f}, {of['high']:+.4f}]"
            for key, of in entries.items()
        )
        print(f"  {name:28s} {text}")


def main() -> None:
    """Run all ablations, print them and write ablations.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    study = Study(
        embedded_catalog(),
        elevation=load_elevation("globe-tile"),
        boxes={"anatolia": ANATOLIA},
        region_name="tile",
    )
    found = {
        "grid-cnn, nats per event": rows_of_grid_net(study),
        "grid-cnn, spatial hold-out, nats per event": spatial_hold_out(study),
        "light-cnn, mnat per sample": rows_of_light_net(study),
    }
    for title, rows in found.items():
        show(title, rows)
    out.mkdir(parents=True, exist_ok=True)
    (out / "ablations.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
