"""pullcord.yaml: read, checked with errors that name line, field and remedy, made plain values."""
