"""Pure functions on NumPy arrays, batch first, NaN where undefined. Never torch."""
