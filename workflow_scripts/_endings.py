"""How the log of a failed job ends, which tells Snakemake whether another attempt makes sense."""

FINAL_ERRORS = ("InputError", "DivergenceError")
"""Errors that come again with every attempt: wrong input, and a training whose loss is not finite."""
ENDED = "The job ended with the error above."
NOT_RETRIED = f"{ENDED} It is not tried again, because the next attempt would end in the same way."


def last_line(error: BaseException) -> str:
    """Return the line that ends the log of a job that failed with this error."""
    return NOT_RETRIED if is_final(error) else ENDED


def is_final(error: BaseException) -> bool:
    """Tell whether each further attempt would fail with this error; by name, since the package may not import."""
    return type(error).__name__ in FINAL_ERRORS
