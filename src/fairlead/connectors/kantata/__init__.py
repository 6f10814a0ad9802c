"""Kantata OX (formerly Mavenlink), API v1, as a firm's project system."""
