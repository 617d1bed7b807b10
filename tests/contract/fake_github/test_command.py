import subprocess
import sys
from pathlib import Path

import requests

ROOT = Path(__file__).parents[3]


def test_the_command_serves_the_demo_organisation_until_it_is_killed() -> None:
    command = [sys.executable, "-m", "tests.fakes.github", "--token", "t", "--latency-ms", "1"]
    command += ["--organisation", "examples/acme/organisation.yaml"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        headers = {"Authorization": "bearer t"}
        answer = requests.get(f"{url}/repos/acme/orders", headers=headers, timeout=10)
        process.terminate()

    assert answer.json()["full_name"] == "acme/orders"
