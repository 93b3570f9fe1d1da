"""Tiny problems on which components are tried."""
