"""A bundle for aarch64 devices, and the proof that it answers there as here, before there is a device.

In reading order: `device/` (what runs on the device), `references.py` (people by whom the device proves itself),
`bundle_folder.py` (the whole folder), `runtimes.py` and `extras.py` (LiteRT and TVM), `emulation.py` and
`aarch64_root.py` (a Debian of that architecture under qemu-user, made without root), `parity.py` and `parity_page.py`
(joints and AP there against here). The commands are
`bundle.py` and `measure_bundle.py`. Adding a network's file: a line in `bundle_folder.NETWORKS`, and its tolerance.
"""
