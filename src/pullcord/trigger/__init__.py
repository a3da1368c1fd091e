"""When to stop: typed signals, rules in a subset of CEL, and one verdict per guarded call."""
