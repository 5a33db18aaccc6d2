"""The pages of a restore, from choosing a file to the report."""
