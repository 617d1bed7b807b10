"""What the worker does."""

from celery import shared_task

from notes.models import Note


@shared_task
def answer(note: int) -> None:
    """Write a note about the note with this id."""
    Note.objects.create(text=f"the worker has read note {note}", written_by="worker")
