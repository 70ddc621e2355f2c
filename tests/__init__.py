"""Coldspring's tests, by kind."""
