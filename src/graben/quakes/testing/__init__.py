"""How good forecasts were: scores with baselines and intervals, alarms, hindsight."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "hindsight": ["large_shocks"],
        "rates": ["score_rates"],
        "places": ["alarm_table", "curves", "score_places", "score_samples"],
    },
)
