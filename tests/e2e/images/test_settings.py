from pathlib import Path

from tests.e2e.images.settings import home


def test_indexes_are_taken_from_the_environment() -> None:
    environment = {
        "PIP_INDEX_URL": "https://pip.invalid",
        "npm_config_registry": "https://npm.invalid",
        "GOPROXY": "off",
    }

    assert home(environment, bundle=None) == {
        ".config/pip/pip.conf": "[global]\nindex-url=https://pip.invalid\n",
        ".npmrc": "registry=https://npm.invalid\n",
        ".config/go/env": "GOPROXY=off\n",
    }


def test_nothing_else_of_the_environment_reaches_a_build() -> None:
    secrets = {"PIP_TARGET": "/x", "GITHUB_TOKEN": "x", "npm_config_prefix": "/x", "GOFLAGS": "-x"}

    assert home(secrets, bundle=Path("/ca.crt")) == {
        ".config/pip/pip.conf": "[global]\n",
        ".npmrc": "cafile=/ca.crt\n",
        ".config/go/env": "",
    }
