"""The command line. A package per domain, a file per command, no science."""

import sys
from types import TracebackType
from typing import Annotated

import typer

from graben import __version__
from graben.cli import data, imaging, landforms, models, quakes
from graben.cli.console import progress_bar, say_error
from graben.errors import GrabenError, InputError
from graben.progress import shown_by

app = typer.Typer(
    name="graben",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Deep learning for working geoscientists, on an ordinary computer.",
)
app.add_typer(quakes.app, name="quakes")
app.add_typer(imaging.app, name="imaging")
app.add_typer(landforms.app, name="landforms")
app.add_typer(data.app, name="data")
app.command("models")(models.models)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"graben {__version__}")
        raise typer.Exit


@app.callback()
def common(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Options that every command shares."""
    if not debug:
        sys.excepthook = _fault


def _fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show an error that nobody foresaw in one line; Python then exits with code 1."""
    say_error(f"{kind.__name__}: {error}. This is a fault of graben; --debug shows where.")


def main() -> None:
    """Run the command line: exit code 0, 2 (usage or bad input), 1 (fault), 130 (Ctrl-C)."""
    command = typer.main.get_command(app)
    try:
        with shown_by(progress_bar):
            command()
    except GrabenError as error:
        if sys.excepthook is sys.__excepthook__:
            raise
        say_error(str(error))
        sys.exit(2 if isinstance(error, InputError) else 1)
