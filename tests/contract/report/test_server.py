"""The real server with the key `report`: it writes by itself, after a restart nothing twice."""

from pathlib import Path

from tests.acme import CATALOG
from tests.fakes.github import GitHub
from tests.server import serve, wait_for

REPORT = "\nreport: {deployments: true, status: true, comment: auto}\n"


def test_the_server_tells_what_it_knows_and_after_a_restart_nothing_again(github: GitHub, tmp_path: Path) -> None:
    catalog = tmp_path / "with-report.yaml"
    catalog.write_text(CATALOG.read_text("utf-8") + REPORT, "utf-8")
    settings = {
        "PREVIEW_GITHUB_URL": github.url,
        "PREVIEW_GITHUB_TOKEN": github.token,
        "PREVIEW_CATALOG": str(catalog),
        "PREVIEW_STATE": f"sqlite:{tmp_path}/state.db",
    }
    with serve(tmp_path, **settings) as server:
        wait_for(lambda: len(github.written.statuses) >= 3)
        assert server.metric("preview_reports_total", report="status", result="written") >= 3
        assert server.metric("preview_reports_waiting") > 0
    written = sum(map(len, github.written.statuses.values()))
    with serve(tmp_path, **settings):
        wait_for(lambda: len(github.written.statuses) >= 6)

    assert sum(map(len, github.written.statuses.values())) == len(github.written.statuses) > written
    assert github.broken == []


def test_without_the_key_nothing_is_written(github: GitHub, tmp_path: Path) -> None:
    settings = {"PREVIEW_GITHUB_URL": github.url, "PREVIEW_GITHUB_TOKEN": github.token, "PREVIEW_REFRESH": "1s"}
    with serve(tmp_path, **settings) as server:
        wait_for(lambda: server.ask("GET", "/readyz", None).status == 200)
        asked = len(github.log)
        wait_for(lambda: len(github.log) >= asked + 3)  # some refreshes later

    assert [call.operation for call in github.log if call.operation.startswith("POST /repos")] == []
    assert github.written.statuses == {}
