"""Records, windows, masks, periods, statistics and batches; independent of models and training."""
