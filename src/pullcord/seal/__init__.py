"""Signatures, sealed storage and keys: what makes a timeline a proof and keeps content private."""
