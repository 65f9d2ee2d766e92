"""What a fit shows: figures, curves and pictures when it ends, and the same while it runs (`progress.py`)."""
