"""`graben quakes`: earthquake catalogues and the probability of earthquakes."""

import typer

app = typer.Typer(no_args_is_help=True, help="Probability of earthquakes.")
