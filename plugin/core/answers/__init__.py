"""Answers: which previews an input gets, what the breaker holds back, and what happened to each preview."""
