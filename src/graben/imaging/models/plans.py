"""What nets of drawn images are made of, and how they are trained."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from graben.imaging.synthetic import Shape
from graben.learning import Recipe

Config = TypeVar("Config")


@dataclass(frozen=True)
class Plan(Generic[Config]):
    """What one net is made of and learns from.

    Attributes
    ----------
    config
        The net.
    shape
        (inline, crossline, sample) of the images.
    batch_size, learning_rate
        Of the training.
    held
        Images that choose the weights to keep.
    """

    config: Config
    shape: Shape
    batch_size: int
    learning_rate: float
    held: int

    def recipe(self, steps: int, epochs: int, seed: int = 0, processes: int = 1) -> Recipe:
        """Return how the net is trained for a number of steps, with a validation an epoch."""
        return Recipe(
            optimiser="muon",
            schedule="cooldown",
            learning_rate=self.learning_rate,
            weight_decay=1e-4,
            clip=5.0,
            warmup=min(30, max(steps // 4, 1)),
            patience=0,
            max_epochs=epochs,
            max_steps=steps,
            batch_size=self.batch_size,
            seed=seed,
            processes=processes,
        )
