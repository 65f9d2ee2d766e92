"""The axis of the report's intervals."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dataengine.evaluation.analysis.interval import Interval
from dataengine.train.gate.report.charts import Scale, bars_svg


@given(low=st.floats(-1, 1), width=st.floats(1e-4, 2))
def test_ticks_are_few_round_and_on_the_axis(low: float, width: float) -> None:
    scale = Scale(low, low + width)
    ticks = np.array(scale.ticks())
    assert 1 <= len(ticks) <= 5
    assert (ticks >= low - 1e-6).all()
    assert (ticks <= low + width + 1e-6).all()
    if len(ticks) > 1:
        mantissa = np.diff(ticks)[0] / 10 ** np.floor(np.log10(np.diff(ticks)[0] * (1 + 1e-6)))
        assert np.isclose(mantissa, [1, 2, 5], rtol=1e-4).any()


def test_zero_is_a_tick_of_an_axis_around_it() -> None:
    assert 0 in Scale.around([Interval(0.006, -0.015, 0.032)], 0.0).ticks()


def test_the_longest_bar_fills_the_width_and_a_negative_cost_has_none() -> None:
    svg = bars_svg({"candidate": 0.2, "champion": -0.01}, 0.2, 'cost of "<miss>"')
    assert 'width="98.0%"' in svg
    assert 'width="0.0%"' in svg
    assert "<miss>" not in svg
