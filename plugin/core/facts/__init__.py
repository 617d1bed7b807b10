"""Facts: what is known of repositories and pull requests, what people said, and which readings are to be believed."""
