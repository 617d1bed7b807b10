"""What the container of PostgreSQL does with its volume, and how other pods wait for it."""

import contextlib
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import examples
from tests.seed_db.host import PASSWORD, Host, free_port
from tests.server import wait_for


@pytest.fixture(scope="module", name="used")
def _used(host: Host, minimal: Path) -> Path:
    """A volume after a first start, shared by tests that leave it usable."""
    volume = host.folder("used")
    assert host.copy(minimal, volume).returncode == 0
    return volume


def data_folder(seed: Path, volume: Path) -> Path:
    return volume / "18" / (seed / "tag").read_text().strip()


def everything_below(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def plant(host: Host, folder: Path, **files: str) -> None:
    """Make a folder that the scripts' user owns, so that only the scripts' checks protect it."""
    host.run("mkdir", "-p", folder)
    for name, text in files.items():
        host.run("tee", folder / name, stdin=text)


def test_an_empty_volume_gets_the_data(host: Host, default: Path, volume: Path) -> None:
    copied = host.copy(default, volume)

    assert copied.returncode == 0, copied.stderr
    assert "fresh copy" in copied.stderr
    with host.serve(default, volume) as database:
        assert database.query("SELECT count(*) FROM orders") == ["900"]


def test_a_used_volume_keeps_changed_rows(host: Host, minimal: Path, volume: Path) -> None:
    host.copy(minimal, volume)
    with host.serve(minimal, volume) as database:
        database.query("UPDATE users SET full_name = 'Changed' WHERE id = 1; DELETE FROM refunds")
    again = host.copy(minimal, volume)

    assert again.returncode == 0, again.stderr
    assert "its data stays" in again.stderr
    with host.serve(minimal, volume) as database:
        assert database.query("SELECT full_name FROM users WHERE id = 1") == ["Changed"]
        assert database.query("SELECT count(*) FROM refunds") == ["0"]


def test_committed_rows_survive_a_killed_server(host: Host, minimal: Path, volume: Path) -> None:
    host.copy(minimal, volume)
    with host.serve(minimal, volume) as database:
        database.query("UPDATE users SET full_name = 'Changed' WHERE id = 1")
        database.process.kill()
        database.process.wait()
    assert (data_folder(minimal, volume) / "postmaster.pid").exists()
    again = host.copy(minimal, volume)

    assert again.returncode == 0, again.stderr
    with host.serve(minimal, volume) as database:
        assert database.query("SELECT full_name FROM users WHERE id = 1") == ["Changed"]


def test_another_dataset_gets_a_fresh_database_beside_the_old_one(
    host: Host, minimal: Path, default: Path, volume: Path
) -> None:
    host.copy(minimal, volume)
    with host.serve(minimal, volume) as database:
        database.query("UPDATE users SET full_name = 'Changed' WHERE id = 1")
    host.copy(default, volume)
    with host.serve(default, volume) as database:
        assert database.query("SELECT count(*) FROM users WHERE full_name = 'Changed'") == ["0"]
        assert database.query("SELECT count(*) FROM orders") == ["900"]
    back = host.copy(minimal, volume)

    assert back.returncode == 0, back.stderr
    with host.serve(minimal, volume) as database:
        assert database.query("SELECT full_name FROM users WHERE id = 1") == ["Changed"]


def test_the_group_permissions_of_kubernetes_do_no_harm(host: Host, minimal: Path, used: Path) -> None:
    host.run("chmod", "-R", "g+rwX", used)
    host.run("chmod", "g+s", data_folder(minimal, used))
    again = host.copy(minimal, used)

    assert again.returncode == 0, again.stderr
    with host.serve(minimal, used) as database:
        assert database.query("SELECT count(*) FROM users") == ["3"]


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({}, id="empty"),
        pytest.param({"notes.txt": "mine"}, id="no database"),
        pytest.param({"PG_VERSION": "18\n"}, id="a database of somebody else"),
        pytest.param({"PG_VERSION": "18\n", "SEED_TAG": "000000000000\n"}, id="of another dataset"),
        pytest.param({"SEED_TAG": "right"}, id="only the tag"),
    ],
)
def test_a_foreign_directory_is_refused_and_left_alone(
    host: Host, minimal: Path, volume: Path, files: dict[str, str]
) -> None:
    tag = (minimal / "tag").read_text()
    plant(
        host,
        data_folder(minimal, volume),
        **{name: text.replace("right", tag) for name, text in files.items()},
    )
    before = everything_below(volume)
    refused = host.copy(minimal, volume)

    assert refused.returncode == 1
    assert "is no database of dataset" in refused.stderr
    assert everything_below(volume) == before


def test_a_file_instead_of_the_data_directory_is_refused(host: Host, minimal: Path, volume: Path) -> None:
    plant(host, volume / "18", **{(minimal / "tag").read_text().strip(): "a file"})
    refused = host.copy(minimal, volume)

    assert refused.returncode == 1
    assert data_folder(minimal, volume).read_text() == "a file"


@pytest.mark.parametrize("files", [{"precious": "mine"}, {"SEED_TAG": "000000000000\n"}])
def test_a_foreign_directory_instead_of_the_copy_is_refused(
    host: Host, minimal: Path, volume: Path, files: dict[str, str]
) -> None:
    plant(host, Path(f"{data_folder(minimal, volume)}.copying"), **files)
    before = everything_below(volume)
    refused = host.copy(minimal, volume)

    assert refused.returncode == 1
    assert "was not made by this script" in refused.stderr
    assert everything_below(volume) == before


@pytest.mark.parametrize("cut_off_at", ["mkdir", "cp", "initdb", "mv"])
def test_an_interrupted_start_is_never_served_and_repaired_by_the_next(
    host: Host, minimal: Path, volume: Path, cut_off_at: str
) -> None:
    # The program does its work (cp only half of it), and then the container is killed.
    programs = host.folder("programs")
    work = 'cp -R "$2/base" "$3"' if cut_off_at == "cp" else f'{cut_off_at} "$@"'
    wrapper = f'PATH=${{PATH#*:}}\ncase "$*" in "-p "*) exec mkdir "$@" ;; esac\n{work}\nkill -9 $PPID\n'
    host.run("tee", programs / cut_off_at, stdin=f"#!/bin/sh\n{wrapper}")
    host.run("chmod", "+x", programs / cut_off_at)
    cut_off = host.copy(minimal, volume, PATH=f"{programs}:{host.environment['PATH']}")
    assert cut_off.returncode != 0
    assert data_folder(minimal, volume).exists() == (cut_off_at == "mv")
    again = host.copy(minimal, volume)

    assert again.returncode == 0, again.stderr
    assert ("cut off and never served" in again.stderr) == (cut_off_at in {"cp", "initdb"})
    assert [path.name for path in (volume / "18").iterdir()] == [(minimal / "tag").read_text().strip()]
    with host.serve(minimal, volume) as database:
        assert database.query("SELECT count(*) FROM refunds") == ["2"]


def test_the_password_of_the_last_start_is_in_force(host: Host, minimal: Path, used: Path) -> None:
    before = "another"
    for password in (
        "it's",
        "a\\'; DROP DATABASE app; --",
        "100%s %d",
        " spaces ",
        "-n",
        "grüße",
        '"$HOME`id`',
    ):
        changed = host.copy(minimal, used, POSTGRES_PASSWORD=password)

        assert changed.returncode == 0, changed.stderr
        said = (changed.stdout + changed.stderr).replace(str(used), "")  # the name of a temporary folder is random
        assert password not in said
        with host.serve(minimal, used, password) as database:
            assert database.query("SELECT current_user, current_database()") == ["app|app"]
            old = database.as_user(PGPASSWORD=before).psql("SELECT 1")
            assert "password authentication failed" in old.stderr
        before = password


def test_only_app_gets_in_and_only_with_a_password(host: Host, minimal: Path, used: Path) -> None:
    host.copy(minimal, used)
    with host.serve(minimal, used) as database:
        assert database.query("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == ["f"]
        assert "no password supplied" in database.as_user(PGPASSWORD="").psql("SELECT 1").stderr
        assert "no pg_hba.conf entry" in database.as_user(PGUSER="postgres").psql("SELECT 1").stderr
        for dropped in ("postgres", "template0", "template1"):
            assert "does not exist" in database.as_user(PGDATABASE=dropped).psql("SELECT 1").stderr


def test_the_app_reaches_a_second_database_as_the_recipe_says(host: Host, volume: Path) -> None:
    (example,) = examples("sql", "docs/recipes/second-database.md")
    source = host.folder("source")
    shutil.copytree(host.source, source, dirs_exist_ok=True)
    with (source / "database.sql").open("a", encoding="utf-8") as file:
        file.write(example.text)
    seed = host.folder("image")
    host.run(source / "build", "minimal", seed)

    assert host.copy(seed, volume).returncode == 0
    with host.serve(seed, volume) as database:
        second = database.as_user(PGDATABASE="reports")
        assert second.query("SELECT current_user, current_database()") == ["app|reports"]
        assert second.psql("CREATE TABLE made (id int)").returncode == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"POSTGRES_PASSWORD": ""}, "POSTGRES_PASSWORD is missing or empty"),
        ({"POSTGRES_PASSWORD": "two\nlines"}, "POSTGRES_PASSWORD has more than one line"),
        ({"POSTGRES_USER": "root"}, "POSTGRES_USER is root, but the data in the image belongs to app"),
        ({"POSTGRES_DB": "shop"}, "POSTGRES_DB is shop, but the database in the image is app"),
    ],
)
def test_a_secret_that_does_not_fit_is_refused_before_anything_is_written(
    host: Host, minimal: Path, volume: Path, wrong: dict[str, str], message: str
) -> None:
    refused = host.copy(minimal, volume, **wrong)

    assert refused.returncode == 1
    assert message in refused.stderr
    assert everything_below(volume) == {}


def test_a_password_that_could_not_be_set_fails_the_start(host: Host, minimal: Path, volume: Path) -> None:
    host.copy(minimal, volume)
    host.run(
        *("postgres", "--single", "-D", data_folder(minimal, volume), "app"),
        stdin="ALTER ROLE app RENAME TO somebody\n",
    )
    failed = host.copy(minimal, volume, POSTGRES_PASSWORD="hush")

    assert failed.returncode == 1
    assert "could not set the password" in failed.stderr
    assert "hush" not in failed.stdout + failed.stderr


def test_nothing_is_written_outside_the_volume(host: Host, minimal: Path, volume: Path) -> None:
    before = everything_below(minimal)
    homeless = {"HOME": "/nonexistent", "TMPDIR": "/nonexistent"}
    copied = host.copy(minimal, volume, **homeless)

    assert copied.returncode == 0, copied.stderr
    with host.postgres(volume, minimal / "start", SEED_VOLUME=volume, **homeless) as database:
        app = database.as_user(PGUSER="app", PGDATABASE="app", PGPASSWORD=PASSWORD)
        assert app.query("SELECT count(*) FROM users") == ["3"]
    assert everything_below(minimal) == before


def test_the_server_is_the_process_that_gets_the_signals(host: Host, minimal: Path, used: Path) -> None:
    with host.serve(minimal, used) as database:
        assert Path(f"/proc/{database.process.pid}/comm").read_text().strip() == "postgres"
        database.process.send_signal(signal.SIGINT)

        assert database.process.wait(timeout=10) == 0


def test_a_container_that_was_killed_starts_again(host: Host, minimal: Path, volume: Path) -> None:
    """Its processes have the same numbers as before, so the lock file that is left names one that runs."""
    host.copy(minimal, volume)
    lock = data_folder(minimal, volume) / "postmaster.pid"
    container = ("sh", "-c", 'echo $$ >"$0" && exec "$@"', lock, minimal / "copy", minimal / "start")
    with host.postgres(volume, *container, SEED_VOLUME=volume, POSTGRES_PASSWORD=PASSWORD) as database:
        app = database.as_user(PGUSER="app", PGDATABASE="app", PGPASSWORD=PASSWORD)

        assert app.query("SELECT count(*) FROM users") == ["3"]


@contextlib.contextmanager
def waiting(host: Host, seed: Path, volume: Path, port: int, **programs: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run what pods wait with, for this dataset on that port. It has asked twice in vain when this yields."""
    asked, psql = volume / "asked", shutil.which("psql", path=host.environment["PATH"])
    stubs = {"psql": f'#!/bin/sh\necho >>{asked}\nexec {psql} "$@"\n'} | programs
    plant(host, volume / "bin", **stubs)
    host.run("chmod", "+x", *(volume / "bin" / name for name in stubs))
    process = host.start(
        seed / "wait",
        log=volume / "wait.log",
        PGHOST="127.0.0.1",
        PGPORT=str(port),
        POSTGRES_PASSWORD=PASSWORD,
        PATH=f"{volume / 'bin'}:{host.environment['PATH']}",
    )
    try:
        wait_for(lambda: asked.exists() and len(asked.read_text("utf-8").splitlines()) > 2)
        yield process
    finally:
        process.kill()
        process.wait()


def test_pods_wait_until_their_own_dataset_is_served(host: Host, default: Path, minimal: Path, volume: Path) -> None:
    for seed in (default, minimal):
        host.copy(seed, volume)
    old, port = (default / "tag").read_text("utf-8").strip(), free_port()
    with contextlib.ExitStack() as stack:
        with host.serve(default, volume, PGPORT=str(port)):  # as for a moment while a preview changes its dataset
            process = stack.enter_context(waiting(host, minimal, volume, port))
        assert process.poll() is None
        with host.serve(minimal, volume, PGPORT=str(port)):
            assert process.wait(timeout=20) == 0
    said = (volume / "wait.log").read_text("utf-8")
    assert said.count(f"it serves dataset {old}") == 1


def test_pods_go_on_with_other_data_that_stays_under_the_same_tag(
    host: Host, default: Path, minimal: Path, volume: Path
) -> None:
    host.copy(default, volume)
    port = free_port()
    with (
        host.serve(default, volume, PGPORT=str(port)),
        waiting(host, minimal, volume, port, sleep="#!/bin/sh\nexit 0\n") as process,
    ):
        assert process.wait(timeout=60) == 0
    assert "goes on with it" in (volume / "wait.log").read_text("utf-8")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])  # PostgreSQL's images ask for SIGINT
def test_a_pod_that_waits_ends_when_it_is_told_to(
    host: Host, minimal: Path, volume: Path, stop: signal.Signals
) -> None:
    with waiting(host, minimal, volume, free_port()) as process:
        process.send_signal(stop)

        assert process.wait(timeout=10) == 1, "its own trap, not the signal"
    assert (volume / "wait.log").read_text("utf-8").count("refused") == 1, "it says once what it waits for"


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_container_that_copies_ends_when_it_is_told_to(
    host: Host, minimal: Path, volume: Path, stop: signal.Signals
) -> None:
    begun = volume / "begun"
    plant(host, volume / "bin", cp=f"#!/bin/sh\ntouch {begun}\nsleep 1\n")
    host.run("chmod", "+x", volume / "bin/cp")
    process = host.start(
        minimal / "copy",
        minimal / "start",
        log=volume / "log",
        SEED_VOLUME=volume,
        POSTGRES_PASSWORD=PASSWORD,
        PATH=f"{volume / 'bin'}:{host.environment['PATH']}",
    )
    wait_for(begun.exists)
    process.send_signal(stop)

    assert process.wait(timeout=10) == 1, "it never becomes a server"


def test_no_password_is_in_the_image(minimal: Path, used: Path) -> None:

    # PostgreSQL stores passwords in this form; the search must be able to find it.
    find = ["grep", "--recursive", "--text", "--files-with-matches", "SCRAM-SHA-256[$]"]
    assert subprocess.run([*find, used], check=False, capture_output=True).stdout != b""
    assert subprocess.run([*find, minimal], check=False, capture_output=True).stdout == b""
