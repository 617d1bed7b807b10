"""Config: the files and references that people write, how they are read, and what to say about their mistakes."""
