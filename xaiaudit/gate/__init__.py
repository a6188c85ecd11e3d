"""The verdict on an audit against a written policy and an accepted baseline. No torch."""
