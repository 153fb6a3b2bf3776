"""`graben data`: the data sets that ship or can be fetched."""

import typer

app = typer.Typer(no_args_is_help=True, help="Data sets that ship with graben or can be fetched.")
