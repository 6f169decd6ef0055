"""`python -m astromer`, which needs no installed command."""

import sys

from astromer.cli import main

sys.exit(main())
