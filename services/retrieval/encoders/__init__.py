"""Encoders by technology."""
