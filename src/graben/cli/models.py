"""`graben models`: which model fits which data, its cost and its measured skill."""


def models() -> None:
    """List the models: which data each fits, what it costs, and its measured skill."""
