"""Classifies many images into a Parquet file, without a server. It needs the packages of requirements/batch.txt."""
