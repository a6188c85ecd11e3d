"""What a comparison of two audits finds. No torch."""
