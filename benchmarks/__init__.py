"""What things cost, beside the same without us."""
