"""What a pretrained point process is worth where there is little data: few-label curves.

Needs the full catalogue (graben data fetch usgs-world). Two regions that were used for nothing
else. The last N events before 2015 are labels (three in four training, the rest validation), a
quarter as many before them are history; nothing older is known. Scored on 2015 to 2025. A minute or
two on one core:

    python benchmarks/adaptation.py --out out/bench
"""

import argparse
import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from graben.cli.console import progress_bar
from graben.errors import CatalogError
from graben.progress import shown_by, track
from graben.quakes.catalog import Catalog, embedded_catalog
from graben.quakes.models.adaptation import Adapted, adapt, carried, refit
from graben.quakes.models.etas import Etas
from graben.quakes.models.hybrid_etas import HybridEtas
from graben.quakes.models.point_process import PointProcess
from graben.quakes.models.point_process_folder import FittedProcess, open_process
from graben.quakes.polygon import Polygon
from graben.quakes.process_training import estimated_completeness
from graben.quakes.region import Region
from graben.quakes.sequence import EventSequence, Windows
from graben.quakes.testing.likelihood import gain_per_event, score_events

PLACES = {"chile": Region(-78, -45, -66, -17), "philippines": Region(118, 4, 130, 20)}
PRETRAINED = ("japan", "anatolia", "california")
LABELS = (100, 300, 1000, 3000)
TRAINING_SHARE = 0.75
WINDOWS = Windows("1990-01-01", "1990-01-02", "2005-01-01", "2015-01-01", "2025-11-01")


def few_labels(catalog: Catalog, polygon: Polygon, cut: float, labels: int) -> EventSequence:
    """Return the sequence of the last labels before the test, and the history before them."""
    whole = EventSequence.from_catalog(catalog, polygon, WINDOWS, cut)
    end = whole.test.start
    numbers = (end - labels - labels // 4, end - labels, end - round(labels / 4))
    days = whole.time[list(numbers)]
    dates = [(whole.windows.moments[0] + np.timedelta64(int(day * 864e5), "ms")) for day in days]
    windows = Windows(*(date.isoformat() for date in dates), WINDOWS.test_start, WINDOWS.test_end)
    return EventSequence.from_catalog(catalog, polygon, windows, cut)


def rows_of(pretrained: dict[str, FittedProcess], sequence: EventSequence) -> dict[str, Any]:
    """Score the local models, and each pretrained one as it is, refitted, and as `adapt` says."""
    local: dict[str, PointProcess] = {"local etas": Etas().fit(sequence)}
    with suppress(CatalogError):  # it needs 500 events
        local["local hybrid-etas"] = HybridEtas().fit(sequence)
    chosen: dict[str, Adapted] = {}
    models = dict(local)
    for name, process in pretrained.items():
        start = carried(process, sequence)
        chosen[name] = adapt(process, sequence)
        models |= {
            f"{name}, zero-shot": start,
            f"{name}, refitted": refit(start, sequence),
            f"{name}, adapt": chosen[name].process,
        }
    scores = {name: model.score(sequence, sequence.test) for name, model in models.items()}
    rows: dict[str, Any] = {}
    for name, score in scores.items():
        rows[name] = {
            "total": asdict(score_events(score).total),
            "over_local_etas": asdict(gain_per_event(score, scores["local etas"])),
            "expected_over_observed": score_events(score).expected_over_observed,
        }
    for name, one in chosen.items():
        rows[f"{name}, adapt"] |= {"choice": one.choice, "reason": one.reason, "moved": one.moved}
    return rows


def main() -> None:
    """Score, print and write adaptation.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    world = embedded_catalog("usgs-world")
    pretrained = {name: open_process(name) for name in PRETRAINED}
    found: dict[str, Any] = {}
    for place, region in PLACES.items():
        polygon = Polygon.of(region)
        catalog = world.select(region=region, start=WINDOWS.auxiliary_start)
        cut = estimated_completeness(catalog, polygon, WINDOWS)
        found[place] = {"completeness_magnitude": cut}
        for labels in track(LABELS, place):
            sequence = few_labels(catalog, polygon, cut, labels)
            found[place][labels] = rows_of(pretrained, sequence)
    for place, rows in found.items():
        print(f"\n{place}, M >= {rows['completeness_magnitude']:g}: nats per event over local etas")
        for labels in LABELS:
            print(f" {labels} labels")
            for name, row in rows[labels].items():
                gain = row["over_local_etas"]
                print(
                    f"  {name:24s} {row['total']['value']:8.3f}  {gain['value']:+.3f} "
                    f"[{gain['low']:+.3f}, {gain['high']:+.3f}]  exp./obs. "
                    f"{row['expected_over_observed']:.2f}  {row.get('choice', '')}"
                )
    out.mkdir(parents=True, exist_ok=True)
    (out / "adaptation.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    with shown_by(progress_bar):
        main()
