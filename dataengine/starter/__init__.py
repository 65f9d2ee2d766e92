"""The starter: a network that ships with the package, fitted on this project's own renders and on nothing else.

`FOLDER` is a checkpoint folder as every fit writes one, with its kernels in half precision. `dataengine
make-starter` makes another; CARD.md next to the weights says how this one was made and what it scores.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
