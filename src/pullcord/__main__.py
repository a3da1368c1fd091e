"""`python -m pullcord` is the same as `pullcord`."""

from pullcord.entry import main

main()
