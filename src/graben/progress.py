"""Progress of long work: the library reports it, whoever runs the library may show it."""

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

Item = TypeVar("Item")
Display = Callable[[Iterable[Any], str, int | None], Iterator[Any]]

_display: ContextVar[Display | None] = ContextVar("display", default=None)


def track(items: Iterable[Item], description: str, total: int | None = None) -> Iterator[Item]:
    """Yield `items`, and let the display that is in force (if any) show how far they are.

    Parameters
    ----------
    items
        What the caller loops over.
    description
        A few words for the person who waits.
    total
        How many items there will be, where `items` has no length of its own.
    """
    display = _display.get()
    if total is None and isinstance(items, Sized):
        total = len(items)
    return iter(items) if display is None else display(items, description, total)


@contextmanager
def shown_by(display: Display) -> Iterator[None]:
    """Show the progress of everything inside the block with `display`."""
    token = _display.set(display)
    try:
        yield
    finally:
        _display.reset(token)
