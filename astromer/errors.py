"""The one exception that means "the input is wrong", as opposed to "the program is"."""


class InputError(ValueError):
    """Report bad input: a message that names the file, line or key and says what was expected."""
