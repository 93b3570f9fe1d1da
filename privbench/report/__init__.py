"""Rows of results as tables, plots and DataFrames."""
