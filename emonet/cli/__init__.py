"""The command line: one module a command, with its flags and what it does."""
