"""Whether the attack itself is sound: what a subset of the images shows, and the verdicts on it."""
