"""Train the fault nets that ship into src/graben/data/models, from synthetic images alone.

    python tools/train_faults.py --only volume      # 28 processor minutes
    python tools/train_faults.py --only section     # 35
    python tools/train_faults.py --only best        # joins the two, two minutes

Without --only all three. Seed and steps are fixed: the same weights on the same machine; the cost
stands in each CARD.md. A training that was cut off goes on from --work when the same command is run
again.
"""

import argparse
from pathlib import Path

from graben.cli.console import progress_bar, say
from graben.imaging.models.fault_training import fuse, train_fault_net
from graben.imaging.models.faults import PREFIX, SHIPPED, FaultNet
from graben.progress import shown_by

# benchmarks/fault_variants.py: .829 after the 1,475 steps of ten minutes, .867 after 4,500
STEPS = {"volume": 4500, "section": 3000}
SEED = {"volume": 1, "section": 0}


def main() -> None:
    """Train and write the folders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["volume", "section", "best"])
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--work", type=Path, default=Path("out/fault-trainings"))
    given = parser.parse_args()
    for name in ("volume", "section"):
        if given.only in (None, name):
            model = train_fault_net(
                name,
                steps=STEPS[name],
                seed=SEED[name],
                checkpoint_folder=given.work / name,
            )
            model.save(given.out / f"{PREFIX}{name}")
            say(f"{name} is in {given.out / f'{PREFIX}{name}'}")
    if given.only in (None, "best"):
        parts = [FaultNet.load(given.out / f"{PREFIX}{name}") for name in ("volume", "section")]
        fuse(*parts).save(given.out / f"{PREFIX}best")
        say(f"best is in {given.out / f'{PREFIX}best'}")


if __name__ == "__main__":
    with shown_by(progress_bar):
        main()
