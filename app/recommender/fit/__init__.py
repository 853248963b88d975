"""Learning: the only part of Serendip that loads numpy and scipy."""
