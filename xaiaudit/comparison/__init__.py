"""What changed between two audits of the same images: decisions, what breaks, and where maps point. No torch."""
