"""Redis on a real server; for MongoDB only that its files are Extended JSON that matches the other data."""

import csv
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bson.json_util
import pytest

from tests.seed_db.host import SEED_DB, Host, free_port

DATASETS = ["default", "minimal"]


@pytest.fixture(name="files")
def _files(host: Host, default: Path) -> Path:
    """The files that the init container puts next to the stores."""
    folder = host.folder("files")
    host.run(default / "files", folder)
    return folder


@pytest.fixture(name="redis")
def _redis(host: Host) -> Iterator[dict[str, str]]:
    folder, port = host.folder("redis"), str(free_port())
    process = host.start(
        *("redis-server", "--port", port, "--save", "", "--appendonly", "no", "--dir", folder),
        log=folder / "log",
    )
    try:
        yield {"REDIS_PORT": port}
    finally:
        process.terminate()
        process.wait(timeout=10)


def ask(host: Host, redis: dict[str, str], *command: str) -> str:
    return host.run("redis-cli", "-p", redis["REDIS_PORT"], *command).stdout.strip()


def load(host: Host, files: Path, redis: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return host.run("sh", files / "redis/load", check=False, **redis)


def column(dataset: str, table: str, name: str) -> set[str]:
    (path,) = (SEED_DB / "datasets" / dataset / "postgres").glob(f"??_{table}.csv")
    with path.open(encoding="utf-8-sig") as file:
        return {row[name] for row in csv.DictReader(file)}


def test_every_line_of_the_redis_file_is_loaded(host: Host, files: Path, redis: dict[str, str]) -> None:
    loaded = load(host, files, redis)

    assert loaded.returncode == 0, loaded.stderr
    text = (SEED_DB / "datasets/default/redis/seed.redis").read_text()
    commands = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    assert len(commands) > 50
    assert int(ask(host, redis, "dbsize")) == len({command[1] for command in commands} | {"seed:tag"})
    assert ask(host, redis, "hget", "flags", "refunds") == "on"
    assert ask(host, redis, "zcard", "bestsellers") == "20"
    assert ask(host, redis, "lrange", "searches", "0", "0") == "chef's knife"


def test_a_second_load_leaves_changes_alone(host: Host, files: Path, redis: dict[str, str]) -> None:
    load(host, files, redis)
    ask(host, redis, "hset", "flags", "refunds", "off")
    again = load(host, files, redis)

    assert again.returncode == 0
    assert ask(host, redis, "hget", "flags", "refunds") == "off"


def test_a_redis_that_holds_something_else_is_left_alone(host: Host, files: Path, redis: dict[str, str]) -> None:
    while host.run("redis-cli", "-p", redis["REDIS_PORT"], "set", "mine", "1", check=False).returncode:
        time.sleep(0.05)
    refused = load(host, files, redis)

    assert refused.returncode == 1
    assert "holds something else already" in refused.stderr
    assert ask(host, redis, "dbsize") == "1"


def test_a_broken_line_fails_the_load(host: Host, files: Path, redis: dict[str, str]) -> None:
    host.run("tee", "-a", files / "redis/seed.redis", stdin="HSET flags odd\n")

    assert load(host, files, redis).returncode != 0


def test_a_loader_does_not_wait_forever(host: Host, files: Path) -> None:
    programs = host.folder("programs")
    host.run("tee", programs / "sleep", stdin="#!/bin/sh\n")
    host.run("chmod", "+x", programs / "sleep")
    path = f"{programs}:{host.environment['PATH']}"
    failed = host.run("sh", files / "redis/load", check=False, REDIS_PORT=str(free_port()), PATH=path)

    assert failed.returncode == 1
    assert "redis did not answer" in failed.stderr


@pytest.mark.parametrize("dataset", DATASETS)
def test_redis_refers_to_products_and_users_that_exist(dataset: str) -> None:
    skus, users = column(dataset, "products", "sku"), column(dataset, "users", "id")
    text = (SEED_DB / "datasets" / dataset / "redis/seed.redis").read_text()
    lines = [line.split() for line in text.splitlines()]
    carts = [line for line in lines if line[:1] == ["HSET"] and line[1].startswith("cart:")]

    assert carts
    assert {line[1].removeprefix("cart:") for line in carts} <= users
    assert {sku for line in carts for sku in line[2::2]} <= skus
    assert {line[3] for line in lines if line[:2] == ["ZADD", "bestsellers"]} <= skus


def documents(dataset: str, collection: str) -> list[dict[str, Any]]:
    path = SEED_DB / "datasets" / dataset / "mongodb" / f"{collection}.json"
    return [bson.json_util.loads(line) for line in path.read_text("utf-8-sig").splitlines()]


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("collection", ["reviews", "wishlists"])
def test_a_mongodb_file_is_extended_json_and_refers_to_existing_rows(dataset: str, collection: str) -> None:
    found = documents(dataset, collection)
    skus = {item["sku"] for document in found for item in document.get("items", [document])}

    assert found
    assert all(isinstance(document["_id"], bson.ObjectId) for document in found)
    assert len({document["_id"] for document in found}) == len(found)
    assert all(isinstance(document["user_id"], bson.Int64) for document in found)
    assert {str(document["user_id"]) for document in found} <= column(dataset, "users", "id")
    assert skus <= column(dataset, "products", "sku")


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_review_is_about_an_item_that_its_author_bought(dataset: str) -> None:
    def table(name: str) -> list[dict[str, str]]:
        (path,) = (SEED_DB / "datasets" / dataset / "postgres").glob(f"??_{name}.csv")
        with path.open(encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))

    sku = {row["id"]: row["sku"] for row in table("products")}
    buyer = {row["id"]: row["user_id"] for row in table("orders")}
    bought = {(row["order_id"], buyer[row["order_id"]], sku[row["product_id"]]) for row in table("order_items")}

    for review in documents(dataset, "reviews"):
        assert (str(review["order_id"]), str(review["user_id"]), review["sku"]) in bought
        assert review["stars"] in range(1, 6)


def test_the_image_has_the_files_of_its_dataset(files: Path, default: Path) -> None:
    names = {str(path.relative_to(files)) for path in files.rglob("*") if path.is_file()}

    assert names == {
        "tag",
        "redis/load",
        "redis/seed.redis",
        "mongodb/load",
        "mongodb/reviews.json",
        "mongodb/wishlists.json",
    }
    assert (files / "tag").read_text() == (default / "tag").read_text()
    reviews = SEED_DB / "datasets/default/mongodb/reviews.json"
    assert (files / "mongodb/reviews.json").read_text() == reviews.read_text()
    assert all(json.loads(line) for line in reviews.read_text().splitlines())


def test_a_byte_order_mark_is_removed_from_every_store(host: Host) -> None:
    source, out = host.folder("editor"), host.folder("image")
    host.run("cp", "-R", f"{host.source}/.", source)
    names = ["redis/seed.redis", "mongodb/reviews.json", "mongodb/wishlists.json"]
    for name in names:
        path = source / "datasets/minimal" / name
        host.run("tee", path, stdin="\ufeff" + path.read_text())
    host.run(source / "build", "minimal", out)

    for name in names:
        assert (out / "stores" / name).read_text() == (SEED_DB / "datasets/minimal" / name).read_text()
