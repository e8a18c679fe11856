"""The error a user can mend."""


class InputError(ValueError):
    """Input that cannot be used: one line that names it, what is wrong and what to do.

    Commands print the message on standard error and exit with status 2.
    """
