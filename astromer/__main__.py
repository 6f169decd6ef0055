"""`python -m astromer`, which needs no installed command."""

from astromer.cli import main

main()
