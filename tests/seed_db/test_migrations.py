import csv
import io
from collections.abc import Iterator

import pytest

from tests.seed_db.host import SEED_DB, Database, Host

VERSIONS = [int(path.name[:5]) for path in sorted((SEED_DB / "migrations").glob("*.sql"))]
SEEDS = sorted((SEED_DB / "datasets/default/postgres").iterdir())


@pytest.fixture(scope="module", name="server")
def _server(host: Host) -> Iterator[Database]:
    """An empty cluster with the settings of the image."""
    cluster = host.folder("cluster")
    data = cluster / "data"
    host.run(host.source / "init", data, "--no-sync")
    with host.postgres(cluster, "postgres", "-D", data, "-c", "fsync=off") as server:
        superuser = server.as_user(PGUSER="postgres", PGDATABASE="postgres")
        superuser.run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", host.source / "database.sql")
        yield superuser


@pytest.fixture(name="empty")
def _empty(server: Database) -> Database:
    server.query("DROP DATABASE app")
    server.query("CREATE DATABASE app OWNER app")
    return server.as_user(PGUSER="app", PGDATABASE="app")


def columns(database: Database) -> list[str]:
    return database.query(
        """SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
           WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"""
    )


def version(database: Database) -> int:
    return int(database.query("SELECT max(version_id) FROM goose_db_version")[0])


def load_as_far_as_known(database: Database) -> dict[str, int]:
    """Load the tables and columns of the default dataset that an older schema has."""
    counts = {}
    for path in SEEDS:
        table = path.stem[3:]
        known = set(database.query(f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}'"))
        if not known:
            continue
        with path.open() as file:
            rows = list(csv.DictReader(file))
        names = [name for name in rows[0] if name in known]
        text = io.StringIO()
        writer = csv.DictWriter(text, names, extrasaction="ignore")
        writer.writerows(rows)
        database.query(f"\\copy {table} ({', '.join(names)}) FROM pstdin WITH (FORMAT csv)", text.getvalue())
        counts[table] = len(rows)
    return counts


def test_migrations_are_numbered_without_a_gap() -> None:
    assert list(range(1, len(VERSIONS) + 1)) == VERSIONS


def test_migrations_apply_from_empty_and_only_once(host: Host, empty: Database) -> None:
    empty.run(host.source / "migrate")
    first = columns(empty)
    again = empty.run(host.source / "migrate")

    assert version(empty) == VERSIONS[-1]
    assert len(first) > 40
    assert columns(empty) == first
    assert "no migrations to run" in again.stderr


@pytest.mark.parametrize("before", VERSIONS[:-1])
def test_migrations_apply_from_an_earlier_version_with_data_in_it(host: Host, empty: Database, before: int) -> None:
    empty.run("goose", "-dir", host.source / "migrations", "postgres", "sslmode=disable", "up-to", str(before))
    counts = load_as_far_as_known(empty)
    assert len(counts) >= 2
    empty.run(host.source / "migrate")

    assert version(empty) == VERSIONS[-1]
    assert {table: int(empty.query(f"SELECT count(*) FROM {table}")[0]) for table in counts} == counts
    if "orders" in counts:  # version 5 computes the values that are in the files
        (path,) = (path for path in SEEDS if path.stem == "30_orders")
        with path.open() as file:
            totals = [f"{row['id']}|{row['total_cents']}" for row in csv.DictReader(file)]
        assert empty.query("SELECT id, total_cents FROM orders ORDER BY id") == totals


def test_a_migration_that_fails_leaves_the_version_before(host: Host, empty: Database) -> None:
    source = host.folder("failing")
    host.run("cp", "-R", f"{host.source}/.", source)
    host.run(
        *("tee", source / "migrations/99999_broken.sql"),
        stdin="-- +goose Up\nCREATE TABLE half (id int);\nSELECT * FROM no_such_table;\n",
    )
    failed = empty.run(source / "migrate", check=False)

    assert failed.returncode != 0
    assert "no_such_table" in failed.stderr
    assert version(empty) == VERSIONS[-1]
    assert empty.query("SELECT to_regclass('half') IS NULL") == ["t"]


def test_seeds_load_all_or_nothing(host: Host, empty: Database) -> None:
    empty.run(host.source / "migrate")
    empty.query("ALTER TABLE refunds ADD CONSTRAINT none CHECK (false)")
    failed = empty.run(host.source / "load", "minimal", check=False)

    assert failed.returncode != 0
    assert empty.query("SELECT count(*) FROM users") == ["0"]


def test_seeds_load_in_any_timezone_and_date_style(host: Host, empty: Database) -> None:
    empty.run(host.source / "migrate")
    empty.as_user(PGTZ="Asia/Tokyo", PGDATESTYLE="German").run(host.source / "load", "minimal")

    assert empty.query("SELECT placed_at AT TIME ZONE 'UTC' FROM orders WHERE id = 1") == ["2026-10-01 10:00:00"]
