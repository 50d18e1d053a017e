"""What a person can act on when the model server cannot be prepared or started."""


class ModelServerError(Exception):
    """The message says what was found, what was expected and what to do; no traceback is needed to read it."""
