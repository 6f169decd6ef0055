"""The exception for wrong input, as opposed to errors of the program."""


class InputError(ValueError):
    """Report bad input: a message that names the file, line or key and says what was expected."""
