"""Where a fit's first weights come from: `start_from.py` finds what `start_from` names."""
