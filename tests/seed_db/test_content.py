"""What is in the databases of both datasets."""

import csv

import pytest

from tests.seed_db.host import SEED_DB, Database, Host

TABLES = [path.stem[3:] for path in sorted((SEED_DB / "datasets/default/postgres").iterdir())]


def rows(dataset: str, table: str) -> int:
    (path,) = (SEED_DB / "datasets" / dataset / "postgres").glob(f"??_{table}.csv")
    with path.open(encoding="utf-8-sig") as file:
        return sum(1 for _ in csv.DictReader(file))


def test_every_line_of_the_files_is_a_row(database: Database, request: pytest.FixtureRequest) -> None:
    dataset = request.node.callspec.params["database"]
    counts = {table: rows(dataset, table) for table in TABLES}

    assert {table: int(database.query(f"SELECT count(*) FROM {table}")[0]) for table in TABLES} == counts
    assert sum(counts.values()) > 4000 or dataset == "minimal"


def test_every_table_of_the_migrations_has_rows(database: Database) -> None:
    tables = database.query(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )

    assert set(tables) - {"goose_db_version"} == set(TABLES)


@pytest.mark.parametrize(
    ("what", "violations"),
    [
        (
            "an order's total is the sum of its items",
            """SELECT id FROM orders WHERE total_cents IS DISTINCT FROM
               (SELECT sum(quantity * unit_price_cents) FROM order_items WHERE order_id = orders.id)""",
        ),
        (
            "a payment is about the whole order, after it was placed",
            """SELECT p.id FROM payments p JOIN orders o ON o.id = order_id
               WHERE amount_cents <> total_cents OR created_at < placed_at""",
        ),
        (
            "what was paid for and not cancelled was paid once",
            """SELECT id FROM orders WHERE status IN ('paid', 'shipped', 'delivered') AND NOT EXISTS
               (SELECT FROM payments p WHERE order_id = orders.id AND p.status = 'succeeded')""",
        ),
        (
            "an open order is not paid",
            """SELECT o.id FROM orders o JOIN payments p ON order_id = o.id
               WHERE o.status = 'open' AND p.status = 'succeeded'""",
        ),
        (
            "no refund exceeds its payment or belongs to a failed one",
            """SELECT p.id FROM payments p JOIN refunds r ON payment_id = p.id GROUP BY p.id
               HAVING sum(r.amount_cents) > p.amount_cents OR p.status <> 'succeeded'""",
        ),
        (
            "no order is older than its user",
            "SELECT o.id FROM orders o JOIN users u ON u.id = user_id WHERE placed_at < created_at",
        ),
        (
            "every user with addresses has a default one",
            "SELECT user_id FROM addresses GROUP BY user_id HAVING NOT bool_or(is_default)",
        ),
        (
            "no address of a real person: a domain that is reserved for examples",
            "SELECT id FROM users WHERE email NOT LIKE '%@example.com'",
        ),
        (
            "nothing happens after the day the data was made for",
            "SELECT id FROM refunds WHERE created_at > '2026-11-01'",
        ),
    ],
)
def test_the_data_is_consistent(database: Database, what: str, violations: str) -> None:
    assert database.query(violations) == [], what


@pytest.mark.parametrize(
    ("constraint", "statement"),
    [
        ("users_email_key", "INSERT INTO users (email, full_name) SELECT email, 'Twice' FROM users LIMIT 1"),
        ("users_email_check", "UPDATE users SET email = 'Ada@example.com'"),
        ("users_locale_check", "UPDATE users SET locale = 'english'"),
        (
            "addresses_user_id_fkey",
            "INSERT INTO addresses (user_id, street, postal_code, city, country) VALUES (0, 's', '1', 'c', 'DE')",
        ),
        ("addresses_one_default", "UPDATE addresses SET is_default = true"),
        ("products_sku_key", "UPDATE products SET sku = (SELECT max(sku) FROM products)"),
        ("products_price_cents_check", "UPDATE products SET price_cents = 0"),
        ("products_stock_check", "UPDATE products SET stock = stock - 1000"),
        ("products_category_id_fkey", "DELETE FROM categories WHERE slug = 'kitchen-pans'"),
        (
            "orders_user_id_address_id_fkey",
            "UPDATE orders SET address_id = (SELECT id FROM addresses WHERE user_id <> orders.user_id LIMIT 1)",
        ),
        ("orders_status_check", "UPDATE orders SET status = 'lost' WHERE status = 'open'"),
        (
            "orders_shipped_after_placed",
            "UPDATE orders SET shipped_at = placed_at - interval '1 day' WHERE status = 'delivered'",
        ),
        ("orders_shipped_if_status_says_so", "UPDATE orders SET status = 'delivered' WHERE status = 'open'"),
        ("orders_total_cents_check", "UPDATE orders SET total_cents = -1"),
        ("order_items_pkey", "INSERT INTO order_items SELECT * FROM order_items"),
        ("order_items_quantity_check", "UPDATE order_items SET quantity = 0"),
        ("order_items_product_id_fkey", "DELETE FROM products"),
        ("payments_paid_once", "UPDATE payments SET order_id = 1, status = 'succeeded'"),
        ("payments_status_check", "UPDATE payments SET status = 'maybe'"),
        ("refunds_idempotency_key_key", "UPDATE refunds SET idempotency_key = 'same'"),
        ("refunds_payment_id_fkey", "DELETE FROM payments"),
    ],
)
def test_a_constraint_holds(database: Database, constraint: str, statement: str) -> None:
    refused = database.psql(f"BEGIN; {statement}; ROLLBACK")

    assert refused.returncode != 0, statement
    assert f"CONSTRAINT NAME:  {constraint}\n" in refused.stderr


def test_the_next_row_gets_a_free_id(database: Database) -> None:
    for insert in (
        "INSERT INTO users (email, full_name) VALUES ('new@example.com', 'New')",
        "INSERT INTO addresses (user_id, street, postal_code, city, country) VALUES (1, 's', '1', 'c', 'DE')",
        "INSERT INTO categories (slug, name) VALUES ('new', 'New')",
        "INSERT INTO products (category_id, sku, name, price_cents) VALUES (1, 'NEW-0001', 'New', 1)",
        "INSERT INTO orders (user_id, address_id, total_cents) SELECT user_id, id, 0 FROM addresses LIMIT 1",
        "INSERT INTO payments (order_id, provider, status, amount_cents) VALUES (1, 'card', 'pending', 1)",
        "INSERT INTO refunds (payment_id, idempotency_key, amount_cents, reason) VALUES (1, 'new', 1, 'late')",
    ):
        table = insert.split()[2]
        (highest,) = database.query(f"SELECT max(id) FROM {table}")
        (given,) = database.query(f"BEGIN; {insert} RETURNING id; ROLLBACK")
        assert int(given) > int(highest)


def test_the_report_adds_up(database: Database) -> None:
    (seen,) = database.query("SELECT sum(payments), sum(paid_cents), sum(refunded_cents) FROM daily_revenue")

    assert [seen] == database.query(
        """SELECT (SELECT count(*) FROM payments WHERE status = 'succeeded'),
                  (SELECT sum(amount_cents) FROM payments WHERE status = 'succeeded'),
                  (SELECT sum(amount_cents) FROM refunds)"""
    )


def test_the_pull_requests_own_migrations_can_change_everything(database: Database) -> None:
    for table in TABLES:
        database.query(f"BEGIN; ALTER TABLE {table} ADD COLUMN new text; DROP TABLE {table} CASCADE; ROLLBACK")
    database.query("BEGIN; CREATE SCHEMA new; CREATE TABLE new.one (); CREATE EXTENSION citext; ROLLBACK")


def test_the_planner_knows_the_tables_from_the_start(database: Database) -> None:
    assert set(TABLES) <= set(database.query("SELECT DISTINCT tablename FROM pg_stats"))


def test_a_violated_constraint_fails_the_build_and_leaves_no_server(host: Host) -> None:
    source = host.folder("broken")
    host.run("cp", "-R", f"{host.source}/.", source)
    refunds = source / "datasets/minimal/postgres/41_refunds.csv"
    host.run("tee", "-a", refunds, stdin="3,999,refund-999-3,100,late,2026-10-06T08:00:00Z\n")
    out = host.folder("image")
    failed = host.run(source / "build", "minimal", out, check=False)

    assert failed.returncode != 0
    assert 'Key (payment_id)=(999) is not present in table "payments"' in failed.stderr
    assert not (out / "tag").exists()
    assert not (out / "data/postmaster.pid").exists()


def test_a_csv_file_of_excel_loads_with_its_first_column(host: Host) -> None:
    source = host.folder("excel")
    host.run("cp", "-R", f"{host.source}/.", source)
    users = source / "datasets/minimal/postgres/10_users.csv"
    out, volume = host.folder("image"), host.folder("volume")
    # Excel's "CSV UTF-8" has a byte order mark and the line ends of Windows.
    host.run("tee", users, stdin="\ufeff" + users.read_text().replace("\n", "\r\n"))
    host.run(source / "build", "minimal", out)

    assert host.copy(out, volume).returncode == 0
    with host.serve(out, volume) as database:
        assert database.query("SELECT id, email FROM users ORDER BY id LIMIT 1") == ["1|ada.maple@example.com"]


def test_a_build_refuses_a_folder_that_is_not_empty(host: Host) -> None:
    out = host.folder("image")
    host.run("tee", out / "mine", stdin="mine")
    refused = host.run(host.source / "build", "minimal", out, check=False)

    assert refused.returncode == 1
    assert [path.name for path in out.iterdir()] == ["mine"]
