"""Many people at once: who is expected, and several groups that one person deals out by one link."""
