"""The decision: which pull requests get a preview and why, where its calls go, and what a template gets."""
