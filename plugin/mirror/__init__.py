"""The mirror keeps the snapshot fresh."""
