"""Names of what a fit writes: checkpoint folder and report are replaced whole, so nothing else may lie there."""

CHECKPOINT_FILES = frozenset({"model.safetensors", "model.json", "learnt_pictures.sha256"})
REPORT_FILES = frozenset({"metrics.json", "plots", "val_predictions.jpg"})
