"""Commands: what people tell the plugin in comments, and what follows from it. Pure."""
