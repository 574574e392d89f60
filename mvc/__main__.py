"""`python -m mvc`."""

from mvc.cli.app.main import main

main()
