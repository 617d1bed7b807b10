"""Reports: what developers are told about their previews, where, and what has to be written for that. Pure."""
