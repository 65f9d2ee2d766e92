#!/usr/bin/env bash
# crepes 0.9.1: intervals at confidence 0.8 and 0.9 are one rank too wide for calibration sets of 9, 19, 29, ... rows,
#   and infinite for 9.
#
# Expected: with n calibration residuals the interval at confidence c reaches to the ceil(c (n + 1))-th smallest of
#   them: at 0.9 to the largest of 9, which covers exactly nine tenths, and to the 18th of 19.
# Seen: the rank is counted from the top as int((1 - c) * (n + 1)), and 1 - 0.9 is 0.09999999999999998 in floating
#   point, so where the product is a whole number it is cut to the one below. At 0.9 with 19 residuals the interval is
#   the one of 0.95, and covers 95 of 100; with 9 it is infinite, with a warning that there are too few; at 0.8 it is so
#   for 4, 9, 14, and on. One row more, or fewer, is right, and so are 0.7, 0.75, 0.95 and 0.99. In groups (`bins`),
#   each group's own number of rows counts.
# Why it matters: calibration sets are cut to round numbers with a row left out, as 99 of 100 are, or to 19 and 9 by
#   joint and group, where a rank is much. Too wide an interval never fails its check of coverage; it makes one network
#   look less sure than another that was calibrated on one row more.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check "$@"; }
pip numpy==2.2.6 pandas==2.3.3 scikit-learn==1.7.2 scipy==1.17.1
pip --no-deps crepes==0.9.1

cat >"$work/measure.py" <<'PY'
import warnings
from fractions import Fraction

import crepes
import numpy as np
from crepes import ConformalRegressor

warnings.simplefilter("ignore")
chance = np.random.default_rng(0)


def reach(residuals, confidence, groups=None):
    """How far the interval around 0 goes."""
    regressor = ConformalRegressor()
    regressor.fit(residuals, bins=groups)
    bins = None if groups is None else groups[:1]
    return regressor.predict_int(np.zeros(1), bins=bins, confidence=float(confidence))[0, 1]


def exact(residuals, confidence):
    rank = -(-confidence.numerator * (len(residuals) + 1) // confidence.denominator)  # rounded up, without floats
    return np.sort(residuals)[rank - 1] if rank <= len(residuals) else np.inf


print("crepes", crepes.__version__)
for text, period in (("0.7", None), ("0.75", None), ("0.8", 5), ("0.9", 10), ("0.95", None), ("0.99", None)):
    confidence = Fraction(text)
    wide = []
    for rows in range(4, 201):
        residuals = np.abs(chance.normal(size=rows))
        got, right = reach(residuals, confidence), exact(residuals, confidence)
        assert got >= right, "changed: an interval is too narrow"
        if got > right:
            wide.append(rows)
    print(
        f"confidence {text}: too wide for {len(wide)} of 197 numbers of rows{': ' if wide else ''}{str(wide[:4])[1:-1]}"
    )
    assert wide == ([rows for rows in range(4, 201) if period and (rows + 1) % period == 0]), (
        "changed: where it is too wide"
    )

nine = np.abs(chance.normal(size=9))
grouped = reach(np.r_[nine, chance.uniform(size=30)], Fraction("0.9"), np.r_[np.zeros(9, int), np.ones(30, int)])
alone = reach(nine, Fraction("0.9"))
print(f"9 rows at 0.9: {alone}, as a group among others {grouped}; the largest residual is {nine.max():.2f}")
assert np.isinf(alone) and np.isinf(grouped), "changed: 9 rows"
for rows, low, high in ((19, 0.94, 0.96), (20, 0.89, 0.92)):
    tries = chance.normal(size=(4000, rows + 1))
    covered = np.mean([abs(new) <= reach(np.abs(old), Fraction("0.9")) for *old, new in tries])
    print(f"{rows} rows at 0.9: {covered:.1%} of 4000 new ones are covered")
    assert low < covered < high, "changed: what is covered"
print("as described")
PY
"$work/venv/bin/python" "$work/measure.py"
