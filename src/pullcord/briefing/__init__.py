"""What people see: the preserved context, facts apart from claims, and digests that bind it."""
