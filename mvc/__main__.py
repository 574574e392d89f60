"""`python -m mvc`: run the command line."""

from mvc.cli.app.main import main

main()
