from django.conf import settings
from django.db import models


class Note(models.Model):
    """A row of the service's own table, which comes with a migration."""

    text = models.TextField()
    written_by = models.TextField(default="web", choices=[("web", "web"), ("worker", "worker")])
    version = models.TextField(default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.text

    def save(self, *args: object, **options: object) -> None:
        """Remember which version of the service wrote it."""
        self.version = self.version or settings.VERSION
        super().save(*args, **options)


class User(models.Model):
    """A row of the seed. Its table comes with the seeded database."""

    email = models.TextField()

    class Meta:
        managed = False
        db_table = "users"

    def __str__(self) -> str:
        return self.email


class Order(models.Model):
    """A row of the seed, as above."""

    user = models.ForeignKey(User, models.DO_NOTHING)
    status = models.TextField()
    total_cents = models.IntegerField()

    class Meta:
        managed = False
        db_table = "orders"

    def __str__(self) -> str:
        return f"order {self.pk}: {self.status}"
