"""One port of domain verbs and the databases behind it."""
