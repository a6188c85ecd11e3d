"""Sections of a report, one a file, each a function from an Audit and a Canvas to a Section."""
