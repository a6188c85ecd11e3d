"""Saliency maps, one idea a file. They know only that a model is a callable; torch alone."""
