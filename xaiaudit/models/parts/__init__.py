"""What several architectures share: encoders, decoder blocks, heads, attention. Each exists once."""
