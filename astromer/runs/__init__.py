"""What a run leaves behind besides its results: the provenance of each job, the run's crate and its report."""
