"""GitHub as a source: its queries, limits, credentials and webhooks. What only GitHub does is known nowhere else."""
