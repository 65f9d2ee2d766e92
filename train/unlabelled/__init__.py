"""People without labels, read for a fit that learns from them as well (`train/fit/consistency`)."""
