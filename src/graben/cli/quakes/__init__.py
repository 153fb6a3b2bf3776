"""`graben quakes`: earthquake catalogues and the probability of earthquakes."""

import typer

from graben.cli.quakes import at, benchmark, check, evaluate, explain, fetch, forecast, test, train

app = typer.Typer(no_args_is_help=True, help="Probability of earthquakes.")
app.command("check")(check.check)
app.command("fetch")(fetch.fetch)
app.command("forecast")(forecast.forecast)
app.command("at")(at.at)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("benchmark")(benchmark.benchmark)
app.command("test")(test.verify)
# or negative degrees would be taken for options
app.command("explain", context_settings={"ignore_unknown_options": True})(explain.explain)
