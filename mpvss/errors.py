"""The error of the user's making."""


class UserError(ValueError):
    """Input that cannot be used; the message names what offends and what would be right.

    The command line shows it as one line. Any other exception is a fault of the program and keeps its traceback.
    """
