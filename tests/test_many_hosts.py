"""The files of docs/many-hosts/: what they name is there, and all of them run the same bot."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.app.bot import STOP_SECONDS
from bot.app.engines import engine_of
from bot.cli.run import run
from bot.config import load
from bot.config.engines import PostgresqlSettings
from bot.config.model import KEY_VARIABLE, TOKEN_VARIABLE
from tests.harness import ROOT

FOLDER = ROOT / "docs/many-hosts"
VARIABLES = {TOKEN_VARIABLE, KEY_VARIABLE, PostgresqlSettings().dsn_env}
ADDRESS = {PostgresqlSettings().dsn_env: "postgresql://echoless:none@database/echoless"}


def compose() -> dict[str, Any]:
    """Return the services of the compose file."""
    services: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))["services"]
    return services


def kubernetes() -> dict[str, dict[str, Any]]:
    """Return what the Kubernetes file describes, by its kind."""
    found = yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text(encoding="utf-8"))
    return {each["kind"]: each for each in found}


def pod(kind: str) -> dict[str, Any]:
    """Return the pod of a StatefulSet or a Deployment."""
    found: dict[str, Any] = kubernetes()[kind]["spec"]["template"]["spec"]
    return found


def test_the_settings_are_settings(tmp_path: Path) -> None:
    """Those of Kubernetes are the same; each bot's folder is a volume's."""
    shown = (FOLDER / "config.toml").read_text(encoding="utf-8")
    config = load(FOLDER / "config.toml", {})
    mapped = kubernetes()["ConfigMap"]["data"]["config.toml"]

    assert tomllib.loads(shown) == tomllib.loads(mapped)
    (tmp_path / "config.toml").write_text(mapped, encoding="utf-8")
    assert load(tmp_path / "config.toml", {}).log == config.log
    engine = engine_of(config, ADDRESS, standby=True)
    assert engine
    assert engine.partition.name == "PostgreSQL"
    folder = str(config.log.path)
    assert all(f"{name}:{folder}" in compose()[name]["volumes"] for name in ("one", "other"))
    for kind in ("StatefulSet", "Deployment"):
        assert {"name": "data", "mountPath": folder} in pod(kind)["containers"][0]["volumeMounts"]
        assert pod(kind)["containers"][0]["ports"][0]["containerPort"] == config.telemetry.port


@pytest.mark.parametrize(
    "arguments",
    [
        *(compose()[name]["command"] for name in ("one", "other")),
        *(pod(kind)["containers"][0]["args"] for kind in ("StatefulSet", "Deployment")),
    ],
)
def test_the_commands_are_commands(arguments: list[str]) -> None:
    """Of a standby, because whoever comes first is the owner."""
    name, *rest = arguments

    assert run.name == name
    given = run.make_context(name, [each for each in rest if not each.endswith(".toml") and each != "--config"])
    assert given.params["standby"]
    assert rest[:1] == ["--config"]


def test_the_variables_are_variables() -> None:
    """And the image has what the engine needs."""
    bots = [compose()[name] for name in ("one", "other")]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]

    for bot in bots:
        assert set(bot["environment"]) == VARIABLES
        chosen = set(bot["build"]["args"]["EXTRAS"].split(","))
        assert "postgresql" in chosen
        assert chosen <= extras.keys()
        assert int(bot["stop_grace_period"].removesuffix("s")) > STOP_SECONDS
    assert all(name in (FOLDER / "kubernetes.yaml").read_text(encoding="utf-8") for name in VARIABLES)


def test_the_standbys_are_what_the_stateful_set_is() -> None:
    """But for their folder, which does not outlive them; and no two are on one machine."""
    owner, standby = pod("StatefulSet"), pod("Deployment")

    assert standby["volumes"].pop() == {"name": "data", "emptyDir": {}}
    assert owner == standby
    assert owner["terminationGracePeriodSeconds"] > STOP_SECONDS
    for kind in ("StatefulSet", "Deployment"):
        spec = kubernetes()[kind]["spec"]
        assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
