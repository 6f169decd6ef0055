"""From a survey's raw dump to Parquet: readers, ingest, filters, sources, download, verification, simulation."""
