"""What the volume net would be otherwise: variants of its plan, trained alike and compared.

Each is trained on synthetic cubes for the same processor time and scored on others, which no net
learned from, was calibrated on, or is tested on: average precision pooled over 24 cubes, and by how
much a cube's lies above that of the plan as it is, with its interval. Beside them stands the net
that ships, which was trained longer. A training that was cut off goes on; variants can be named, to
be trained by themselves:

    python benchmarks/fault_variants.py --models out/variants --out out/bench
    python benchmarks/fault_variants.py --models out/variants --variants "cubes of 96"
"""

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from graben.cli.console import progress_bar
from graben.evaluation import AveragePrecision, block_bootstrap
from graben.imaging.models.fault_samples import DrawnImages
from graben.imaging.models.fault_training import PLANS, FaultPlan, train_fault_net
from graben.imaging.models.faults import FaultNet
from graben.learning.threads import torch_threads
from graben.output import plain
from graben.progress import shown_by, track

PLAN = PLANS["volume"]
AS_IT_IS, SHIPS = "as it is", "ships"
VARIANTS: dict[str, FaultPlan] = {
    AS_IT_IS: PLAN,
    "two convolutions": replace(PLAN, config=replace(PLAN.config, encoder_convolutions=2)),
    "cubes of 96": replace(PLAN, shape=(96, 96, 96)),
}
NAMES = [*VARIANTS, SHIPS]
CUBES, SIDE, SEED = 24, 96, 7


def trained(name: str, folder: Path, cpu_seconds: float, seed: int) -> FaultNet:
    """Train a variant, unless it is there or ships."""
    if name == SHIPS:
        return FaultNet.load("volume")
    out = folder / f"{name}-{seed}"
    if not out.exists():
        model = train_fault_net(
            "volume",
            cpu_seconds=cpu_seconds,
            seed=seed,
            plan=VARIANTS[name],
            checkpoint_folder=folder / "unfinished" / out.name,
        )
        model.save(out)
    return FaultNet.load(out)


def scores(model: FaultNet) -> tuple[float, np.ndarray]:
    """Give the pooled average precision, and that of each cube."""
    images = DrawnImages((SIDE, SIDE, SIDE), CUBES, SEED, "validation")
    said, true = [], []
    for place in track(range(CUBES), "scoring"):
        one = images.image(place)
        said.append(model.predict(one.amplitude).probability)
        true.append(one.fault)
    each = [AveragePrecision().compute(*pair) for pair in zip(said, true, strict=True)]
    return AveragePrecision().compute(np.stack(said), np.stack(true)), np.array(each)


def main() -> None:
    """Train what is not there, print a table and write fault_variants.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=Path, default=Path("out/variants"))
    parser.add_argument("--variants", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--cpu-seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    given = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    of_cubes: dict[str, np.ndarray] = {}
    with shown_by(progress_bar), torch_threads(1):
        for name in given.variants:
            model = trained(name, given.models, given.cpu_seconds, given.seed)
            pooled, of_cubes[name] = scores(model)
            cost = model.about["cost"]
            row: dict[str, Any] = {"AP": pooled, **{k: cost[k] for k in ("cpu_seconds", "steps")}}
            if AS_IT_IS in of_cubes and name != AS_IT_IS:
                gain = of_cubes[name] - of_cubes[AS_IT_IS]
                row["gain"] = asdict(block_bootstrap(gain[~np.isnan(gain)]))
            found[name] = row
            print(name, json.dumps(plain(row)), flush=True)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "fault_variants.json").write_text(json.dumps(plain(found), indent=2) + "\n")


if __name__ == "__main__":
    main()
