"""16-bit pictures to 8 bits without losing what they show.

Cameras of 10, 12 and 14 bits are stored in 16-bit files, mostly as they count: a picture of 12 bits whose lower byte is
thrown away has 16 grey levels left. So the depth is the smallest of `DEPTHS` that holds the picture's largest value,
and its upper 8 bits are kept. A picture of full depth gives value >> 8. The depth goes to whoever decodes.
"""

import numpy as np
from numpy.typing import NDArray

DEPTHS = (8, 10, 12, 14, 16)  # bits of a value, as sensors have them


def to_eight_bits(values: NDArray[np.uint16]) -> tuple[NDArray[np.uint8], int]:
    """The upper 8 bits of `values`, any shape, and the depth they were taken from."""
    largest = int(values.max(initial=0))
    depth = next(bits for bits in DEPTHS if largest < 1 << bits)
    return (values >> (depth - 8)).astype(np.uint8), depth
