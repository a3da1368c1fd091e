"""Pullcord."""
