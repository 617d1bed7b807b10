"""The mirror: refreshes what is known of the source, and answers from the newest version that was stored."""
