"""Files for `Registry.publish`: a commit of a backend whose migration does harm. Everything else stays the real app."""

_MIGRATION = """\
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = (("notes", "0001_initial"),)
    operations = (migrations.RunSQL({statement!r}),)
"""


def _files(statement: str) -> dict[str, bytes]:
    return {"/app/notes/migrations/0002_of_a_pull_request.py": _MIGRATION.format(statement=statement).encode()}


HANGING_MIGRATION = _files("SELECT pg_sleep(86400)")
FAILING_MIGRATION = _files("SELECT 1 / 0")
