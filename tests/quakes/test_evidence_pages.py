"""What a report says of a model's limits is true of that model."""

import pytest

from graben.quakes.evidence_pages import evidence_sections
from graben.quakes.models.calibration import Calibration
from graben.quakes.models.folder import Trained
from graben.quakes.models.mixture import Omori
from graben.quakes.models.simulated_rates import EtasRates, HybridEtasRates
from graben.quakes.quantity import Quantity
from graben.quakes.region import Region
from graben.quakes.study import Periods


@pytest.mark.parametrize("calibrated", [True, False])
@pytest.mark.parametrize("kind", [EtasRates, HybridEtasRates, Omori])
def test_limits_are_those_of_the_model(kind, calibrated) -> None:
    model = kind()
    model.calibrations_ = {100.0: Calibration(0.0, 1.0, None)} if calibrated else {}
    catalog = {"source": "own events", "end": "2020-01-01"}
    trained = Trained(model, Quantity(), Region(0, 0, 1, 1), 4.5, Periods(), "region", catalog, {})
    *_, limits = evidence_sections(trained)
    text = " ".join(limits.blocks[0].paragraphs)
    simulated = kind is not Omori
    assert ("simulates how earthquakes trigger" in text) == simulated
    assert ("this model does not simulate that" in text) != simulated
    assert ("Gates are held" in text) == (kind is HybridEtasRates)
    assert ("not calibrated on past windows" in text) == (simulated and not calibrated)
