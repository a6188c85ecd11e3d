"""What a second sweep of the probe would change in an image: small, simulated, the same for the same image and seed."""
