"""What goes wrong with models in ways a user can put right."""


class ModelError(Exception):
    """The message names the file or setting, what was expected, what came, and what to do."""
