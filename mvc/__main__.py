"""`python -m mvc`."""

import sys

from mvc.cli.main import run

sys.exit(run())
