"""What a forecast is the probability of, in words and in numbers."""

from dataclasses import asdict, dataclass

from graben.errors import InputError


@dataclass(frozen=True)
class Quantity:
    """P(at least one M >= `min_magnitude` within `radius_km` of a place in the next days).

    Examples
    --------
    >>> Quantity().sentence
    'P(at least one M >= 5.0 with epicentre within 100 km of x in the 30 days after the issue time)'
    """

    horizon_days: int = 30
    min_magnitude: float = 5.0
    radius_km: float = 100.0

    def __post_init__(self) -> None:
        bounds = {
            "horizon_days": (1, 3660),
            "min_magnitude": (3.0, 9.0),
            "radius_km": (10.0, 500.0),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"{name} is {value:g}; expected a value from {low:g} to {high:g}.")

    @property
    def sentence(self) -> str:
        """The quantity as it stands in every title."""
        return (
            f"P(at least one M >= {self.min_magnitude:.1f} with epicentre within "
            f"{self.radius_km:g} km of x in the {self.horizon_days} days after the issue time)"
        )

    @property
    def slug(self) -> str:
        """The quantity as a part of a file name."""
        return f"{self.horizon_days}d-m{self.min_magnitude:.1f}"

    def as_dict(self) -> dict[str, float]:
        """Return the numbers, units in the names."""
        return asdict(self)


def parse_horizon(text: str) -> int:
    """Return the days in ``30d``, ``30`` or ``1y``.

    Examples
    --------
    >>> parse_horizon("30d"), parse_horizon("1y")
    (30, 365)
    """
    unit = {"d": 1, "w": 7, "y": 365}.get(text[-1:].lower())
    digits = text[:-1] if unit else text
    if not digits.isdigit() or int(digits) == 0:
        raise InputError(f"the horizon {text!r} is not understood; expected days, such as 30d.")
    return int(digits) * (unit or 1)
