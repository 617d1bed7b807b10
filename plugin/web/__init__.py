"""HTTP: parse, call, answer. Every error is `{"message": ...}`, the key that Argo CD shows."""
