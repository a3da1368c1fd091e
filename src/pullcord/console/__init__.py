"""The operator console and the end user's status page: HTML that works without script."""
