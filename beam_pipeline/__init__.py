"""The batch job: reading, stages, output and the command line."""
