"""What `render.device` means on this machine: a GPU that has been seen to render, or the CPU.

Blender lists devices that never give a picture: a card its kernels were not built for has them compiled at the first
picture, which may take minutes or not end. So a device is proved before workers use it, once.

In reading order: `resolve.py` (the decision), `proof.py` (one small picture in a process of its own, with a limit),
`picture.py` (what that process does), `memory.py` (outcomes, by machine, driver and Blender), `driver.py`.
Nothing here decides a pixel: Cycles is set up in `cycles/device.py`.
"""
