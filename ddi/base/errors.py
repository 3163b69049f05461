"""The one exception that users are meant to read."""


class DDIError(ValueError):
    """Bad input or a missing prerequisite, told in a sentence a user can act on.

    The message says what was read, what was expected and what to type next.
    """
