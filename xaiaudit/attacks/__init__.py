"""Attacks: frozen dataclasses of hyperparameters, callable on any model that maps images to outputs."""
