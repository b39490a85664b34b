"""The command line: flags -> commands -> what a person sees."""
