"""Train the nets of salt, hydrocarbons and flat spots, and of geologic time, that ship.

    python tools/train_structure.py --out src/graben/data/models/structure    # 76 CPU minutes

Volumes are drawn by the generator as the training goes; nothing real is looked at. The card states
seed and cost. A training that was cut off goes on from --unfinished.
"""

import argparse
from pathlib import Path

from graben.cli.console import progress_bar, say
from graben.imaging.models.structure_calibration import trained_structure_net
from graben.progress import shown_by

STEPS, LAYER_STEPS = 2000, 800


def main() -> None:
    """Train, calibrate, check and write the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the model folder to write")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--layer-steps", type=int, default=LAYER_STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--unfinished", type=Path, default=Path("out/structure.training"))
    asked = parser.parse_args()
    with shown_by(progress_bar):
        model = trained_structure_net(
            steps=asked.steps,
            layer_steps=asked.layer_steps,
            seed=asked.seed,
            checkpoint_folder=asked.unfinished,
        )
    model.save(asked.out)
    for name, row in model.about["metrics"].items():
        say(f"{name}: {row['value']:.3f}")


if __name__ == "__main__":
    main()
