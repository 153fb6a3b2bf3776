"""How a net is trained, in one frozen object."""

from dataclasses import dataclass, fields
from typing import Literal

from graben.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """How a net is trained; the same recipe on the same machine gives the same weights.

    Parameters
    ----------
    optimiser
        "adamw"; "sgd": W <- W - learning_rate * gradient, with `momentum`; or "muon": orthogonal
        steps for convolutions, see `graben.learning.muon.Muon`.
    learning_rate
        Step size; of "muon" that of the convolutions, and a third of it for all other weights.
    momentum
        Of "sgd"; 0 is plain gradient descent.
    schedule
        "cosine": the learning rate falls to 0 over all planned steps; "cooldown": it is constant
        and falls to 0 in a line over the last 60 % of them; or "constant".
    warmup
        Steps over which the learning rate first rises in a line to what the schedule asks for;
        0 is off.
    weight_decay
        Decoupled (AdamW) or as an L2 term (SGD).
    mixup
        Alpha of the Beta distribution of the mixing share (Zhang et al. 2018,
        doi:10.48550/arXiv.1710.09412); 0 is off.
    patience
        Stop when the validation score has not improved for so many epochs; 0 is off.
    keep_best
        Hand back the weights of the epoch with the best validation score (epoch 0, the untouched
        net, included); otherwise those of the last step.
    max_epochs, max_steps
        Training ends at whichever comes first; without `max_steps` only epochs count.
    batch_size
        Samples per step.
    clip
        Largest norm of the gradient; 0 is off.
    initialisation
        "default": torch's rule; "uniform-0.01": every weight from U[-0.01, 0.01]; "none": the
        weights stay what they are, to go on from.
    class_weight
        Weight of the positive class in the cross-entropy that is trained on. Validation is never
        class-weighted, so that it stays a proper score.
    seed
        Of the initial weights, the shuffling, dropout and mixup.
    processes
        Processes of this computer that share the work: each takes its part of every batch, and
        their gradients are averaged, so that a step stays that of the whole batch. What is
        computed from a batch as a whole (its normalisation, a Dice loss) is computed from each
        part. The training data, the objective and the net have to survive pickling, and a script
        has to start its work under `if __name__ == "__main__"`.
    """

    optimiser: Literal["adamw", "sgd", "muon"] = "adamw"
    learning_rate: float = 1e-3
    momentum: float = 0.9
    schedule: Literal["cosine", "cooldown", "constant"] = "cosine"
    weight_decay: float = 1e-2
    mixup: float = 0.0
    patience: int = 10
    keep_best: bool = True
    max_epochs: int = 100
    max_steps: int | None = None
    batch_size: int = 32
    clip: float = 1.0
    initialisation: Literal["default", "uniform-0.01", "none"] = "default"
    class_weight: float = 1.0
    seed: int = 0
    warmup: int = 0
    processes: int = 1

    def __post_init__(self) -> None:
        choices = {
            "optimiser": ("adamw", "sgd", "muon"),
            "schedule": ("cosine", "cooldown", "constant"),
            "initialisation": ("default", "uniform-0.01", "none"),
        }
        positive = {
            "learning_rate", "max_epochs", "max_steps", "batch_size", "class_weight", "processes",
        }  # fmt: skip
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in choices:
                if value not in choices[field.name]:
                    raise InputError(
                        f"expected {field.name} to be one of {', '.join(choices[field.name])}; "
                        f"got {value!r}. Choose one of these."
                    )
            elif value is not None and (value < 0 or (field.name in positive and value == 0)):
                bound = "above 0" if field.name in positive else "0 or more"
                raise InputError(
                    f"expected {field.name} {bound}, got {value!r}. Change the recipe."
                )

    @classmethod
    def classic(
        cls, learning_rate: float = 0.05, steps: int = 1000, batch_size: int = 32, seed: int = 0
    ) -> "Recipe":
        """Plain gradient descent as in the textbooks, with nothing added.

        Weights drawn from U[-0.01, 0.01], a constant learning rate, a fixed number of steps, the
        weights of the last step.

        Parameters
        ----------
        learning_rate
            Between 0.01 and 0.1.
        steps
            Usually 1,000 to 10,000.
        batch_size
            Samples per step.
        seed
            Of the weights and the order of the samples.

        Raises
        ------
        InputError
            The learning rate is outside 0.01..0.1.
        """
        if not 0.01 <= learning_rate <= 0.1:
            raise InputError(
                f"expected a learning rate from 0.01 to 0.1, got {learning_rate}. "
                "Use Recipe(...) for other training."
            )
        return cls(
            optimiser="sgd",
            learning_rate=learning_rate,
            momentum=0.0,
            schedule="constant",
            weight_decay=0.0,
            patience=0,
            keep_best=False,
            max_epochs=steps,
            max_steps=steps,
            batch_size=batch_size,
            clip=0.0,
            initialisation="uniform-0.01",
            seed=seed,
        )
