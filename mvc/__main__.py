"""`python -m mvc`."""

from mvc.cli.main import main

main()
