"""Survey dumps, splits, records, windows, masks and batches. Knows nothing of models or training."""
