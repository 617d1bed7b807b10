"""The Django project. Importing it makes Celery's app the default, so that tasks find their broker."""

from app.celery import app as celery

__all__ = ["celery"]
