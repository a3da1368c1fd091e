"""`python -m pullcord` is the same as `pullcord`."""

from pullcord.cli import main

main()
