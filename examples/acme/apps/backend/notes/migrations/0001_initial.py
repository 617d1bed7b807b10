"""The service's own table. The tables of the seed are there already, so Django only learns their names."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.BigAutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID")),
                ("email", models.TextField()),
            ],
            options={"db_table": "users", "managed": False},
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID")),
                ("user", models.ForeignKey("notes.user", models.DO_NOTHING)),
                ("status", models.TextField()),
                ("total_cents", models.IntegerField()),
            ],
            options={"db_table": "orders", "managed": False},
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField()),
                ("written_by", models.TextField(choices=[("web", "web"), ("worker", "worker")], default="web")),
                ("version", models.TextField(default="")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={"ordering": ("id",)},
        ),
    )
