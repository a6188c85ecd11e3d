"""How many images may break an expectation before a check fails. No torch."""

SHARE = 0.05  # of the subset


def allowed(images: int) -> int:
    """At most 5 % of them, and one in any case: a random start or a tie may cost a sound attack an image."""
    return max(1, int(SHARE * images))
