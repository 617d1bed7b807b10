"""The scripts in the manifests, run as their containers run them."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.manifests.conftest import Rendered
from tests.manifests.pods import initial, pod
from tests.server import wait_for
from tools.rendering import ROOT

HOSTILE = "https://x.example.com/\"'\\</script>?a=1&b=$HOME"


def test_the_browser_gets_the_listed_keys_and_no_others(previews: dict[str, Rendered], tmp_path: Path) -> None:
    preview = previews["preview-shop-31"]
    (init,) = pod(preview.one("Deployment", "app"))["initContainers"]
    keys = {entry["name"]: entry["value"] for entry in init["env"]}
    environment = preview.one("ConfigMap", "environment")["data"]

    written = _write_config(preview, tmp_path, environment | keys | {"SECRET": "not for browsers"})

    assert written == {key: environment[key] for key in ("PUBLIC_URL", "ORDERS_URL", "USERS_URL")}
    assert written["USERS_URL"] == "https://users-7.preview.example.com", "a link to a preview, by its public URL"


def test_no_value_gets_out_of_its_quotes(previews: dict[str, Rendered], tmp_path: Path) -> None:
    written = _write_config(previews["preview-shop-31"], tmp_path, {"BROWSER_KEYS": "A_URL", "A_URL": HOSTILE})

    assert written == {"A_URL": HOSTILE}
    assert "<" not in (tmp_path / "config.js").read_text("utf-8")


def test_a_listed_key_that_is_missing_stops_the_pod(previews: dict[str, Rendered], tmp_path: Path) -> None:
    result = _run_config(
        previews["preview-shop-31"], tmp_path, {"BROWSER_KEYS": "PUBLIC_URL MISSING_URL", "PUBLIC_URL": "x"}
    )

    assert result.returncode != 0


@pytest.mark.parametrize(
    ("name", "failures", "expected"),
    [
        ("app", 0, (0, ["manage.py migrate --noinput"])),
        ("app", 99, (1, ["manage.py migrate --noinput"])),  # and people see a failing pod
        ("worker", 0, (0, ["manage.py migrate --check"])),
        ("worker", 12, (0, ["manage.py migrate --check"] * 13)),  # the app has not migrated yet
    ],
)
def test_the_app_migrates_once_and_the_worker_waits_for_it(
    previews: dict[str, Rendered], tmp_path: Path, name: str, failures: int, expected: tuple[int, list[str]]
) -> None:
    migrate = initial(previews["preview-orders-15"].one("Deployment", name), "migrate")
    log, left = tmp_path / "log", tmp_path / "left"
    left.write_text("." * failures)
    fails = f'printf %s "$(cut -c2- {left})" >{left}.new; mv {left}.new {left}; exit 1'
    python = f'echo "$*" >>{log}; [ ! -s {left} ] || {{ {fails}; }}'
    for program, script in {"sleep": "exit 0", "python": python}.items():
        (tmp_path / program).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / program).chmod(0o755)

    result = subprocess.run(
        [*migrate["command"], *migrate["args"]], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False, timeout=60
    )

    assert (result.returncode, log.read_text().splitlines()) == expected


def test_a_migration_that_hangs_ends_with_its_pod(previews: dict[str, Rendered], tmp_path: Path) -> None:
    """As the first process of a container, a shell that sets no trap ignores the signal."""
    started = tmp_path / "started"
    (tmp_path / "python").write_text(f"#!/bin/sh\ntouch {started}\nexec sleep 60\n")
    (tmp_path / "python").chmod(0o755)
    for name in ("app", "worker"):
        migrate = initial(previews["preview-orders-15"].one("Deployment", name), "migrate")
        command = [*migrate["command"], *migrate["args"]]
        with subprocess.Popen(command, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, process_group=0) as process:
            wait_for(started.exists)
            process.terminate()
            assert process.wait(10) == 1, "its own trap, not the signal"
            os.killpg(process.pid, signal.SIGKILL)  # what a container's end does to the rest
        started.unlink()


def test_pods_run_the_seed_images_scripts_where_they_are(previews: dict[str, Rendered]) -> None:
    preview = previews["preview-orders-15"]
    commands = {}
    for store in ("redis", "mongodb"):
        spec = pod(preview.one("Deployment", store))
        (server,), (seed,) = spec["containers"], spec["initContainers"]
        commands[store] = [seed["command"], server["lifecycle"]["postStart"]["exec"]["command"]]
    (server,) = pod(preview.one("Deployment", "postgres"))["containers"]
    waits = [initial(preview.one("Deployment", name), "wait-for-postgres") for name in ("app", "worker")]

    assert server["command"] == ["/seed/copy", "/seed/start"]
    assert commands == {
        "redis": [["/seed/files", "/seed-files"], ["/seed-files/redis/load"]],
        "mongodb": [["/seed/files", "/seed-files"], ["/seed-files/mongodb/load"]],
    }
    assert [wait["command"] for wait in waits] == [["/seed/wait"]] * 2
    secrets = {source["secretRef"]["name"] for container in (server, *waits) for source in container["envFrom"]}
    (secret,) = (found for found in preview.all("Secret") if found["metadata"]["name"] in secrets)
    assert {wait["env"][0]["value"] for wait in waits} == {preview.one("Service", "postgres")["metadata"]["name"]}
    assert {"POSTGRES_PASSWORD", "DATABASE_URL"} <= {*secret.get("data", {}), *secret.get("stringData", {})}
    image = ROOT / "seed-db/image"
    for script in ("copy", "start", "wait", "files", "stores/redis/load", "stores/mongodb/load"):
        assert os.access(image / script, os.X_OK), script


def test_the_smoke_test_waits_until_the_public_url_answers_200(previews: dict[str, Rendered], tmp_path: Path) -> None:
    (container,) = pod(previews["preview-orders-15"].one("Job", "smoke-test"))["containers"]
    _stub(tmp_path / "sleep", "exit 0")
    # Answers 503, then a redirect to a login, then 200, and records the requests.
    _stub(
        tmp_path / "curl",
        f"""for url; do :; done
            echo "$url" >>{tmp_path}/asked
            set -- 503 302 200
            shift $(($(wc -l <{tmp_path}/asked) - 1))
            printf %s "$1"
            [ "$1" = 200 ]""",
    )
    environment = {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "PUBLIC_URL": "https://orders-15.preview.example.com",
        "HEALTH_PATH": container["env"][0]["value"],
    }

    result = subprocess.run([*container["command"], *container["args"]], env=environment, timeout=20, check=False)

    assert result.returncode == 0
    asked = (tmp_path / "asked").read_text("utf-8").split()
    assert asked == ["https://orders-15.preview.example.com/healthz"] * 3


def test_a_smoke_test_that_waits_ends_with_its_pod(previews: dict[str, Rendered], tmp_path: Path) -> None:
    (container,) = pod(previews["preview-orders-15"].one("Job", "smoke-test"))["containers"]
    _stub(tmp_path / "curl", f"touch {tmp_path}/asked; printf 503")
    environment = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "PUBLIC_URL": "https://x", "HEALTH_PATH": "/"}

    with subprocess.Popen([*container["command"], *container["args"]], env=environment) as process:
        wait_for((tmp_path / "asked").exists)
        process.terminate()
        assert process.wait(10) == 1, "its own trap, not the signal"


def _write_config(preview: Rendered, folder: Path, environment: dict[str, str]) -> dict[str, str]:
    assert _run_config(preview, folder, environment).returncode == 0
    text = (folder / "config.js").read_text("utf-8")
    assert text.startswith("window.config = ")
    assert text.endswith(";\n")
    config: dict[str, str] = json.loads(text.removeprefix("window.config = ").removesuffix(";\n"))
    return config


def _run_config(preview: Rendered, folder: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[bytes]":
    (init,) = pod(preview.one("Deployment", "app"))["initContainers"]
    shell, script, target = init["command"]
    content = preview.one("ConfigMap", "nginx")["data"][Path(script).name]
    (folder / "script").write_text(content, "utf-8")
    return subprocess.run(
        [shell, folder / "script", folder / Path(target).name],
        env=environment | {"PATH": os.environ["PATH"]},
        capture_output=True,
        check=False,
    )


def _stub(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    path.chmod(0o755)
