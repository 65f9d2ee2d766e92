"""Several calibrated, synchronised cameras: `qualisys.py` calibration files, `triangulation.py` robust 3D joints,
`undistortion.py` rays of pixels.

Adding a calibration format: a reader that returns the cameras of `qualisys.py`.
"""
