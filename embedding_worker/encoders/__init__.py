"""Encoders: text to vectors of one space. Importing this package imports no torch; `make` brings what it needs."""
