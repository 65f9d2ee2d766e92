"""What `render.device` means on this machine: a GPU that has been seen to render, or the CPU.

Blender lists devices that never produce an image: for a card that its kernels were not built for, it compiles them at
the first image, which may take minutes or never end. So a device is proved once, before workers use it.

In reading order: `resolve.py` (the decision), `proof.py` (one small image in a process of its own, with a time limit),
`picture.py` (what that process does), `memory.py` (outcomes, by machine, driver and Blender), `driver.py` (the GPU's
driver). Nothing here decides a pixel: Cycles is set up in `cycles/device.py`.
"""
