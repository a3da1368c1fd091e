"""What happens: the life of an escalation, its verbs, its decision and its timeline."""
