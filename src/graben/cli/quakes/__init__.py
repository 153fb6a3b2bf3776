"""`graben quakes`: earthquake catalogues and the probability of earthquakes."""

import typer

from graben.cli.quakes import check, fetch

app = typer.Typer(no_args_is_help=True, help="Probability of earthquakes.")
app.command("check")(check.check)
app.command("fetch")(fetch.fetch)
