"""Life: what a preview waits for, when it sleeps, when it ends, and who has to queue. One rule per file."""
