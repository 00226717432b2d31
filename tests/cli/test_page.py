"""``echoless page``: what it says, and that it ends."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from tests.cli.conftest import Run


def test_it_prints_a_link_and_ends_by_a_signal(folder: Path) -> None:
    """The address behind the link asks for a session; the token stands behind the #."""
    command = [sys.executable, "-m", "bot", "page", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        said = process.stdout.readline()
        found = re.fullmatch(
            r"Open this link, which works once: (http://127\.0\.0\.1:\d+)/page/enter#[\w-]{40,}\n", said
        )
        try:
            assert found, said
            with urllib.request.urlopen(f"{found[1]}/page/enter") as response:  # noqa: S310 - our own
                assert response.status == 200
            refused = None
            try:
                urllib.request.urlopen(f"{found[1]}/page/")  # noqa: S310 - our own
            except urllib.error.HTTPError as error:
                refused = error.code
                error.close()
            assert refused == 401
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")


def test_a_folder_without_a_log_is_refused(run: Run, tmp_path: Path) -> None:
    """With what to do."""
    ran = run("page", tmp_path / "nothing")

    assert ran.code == 4
    assert "There is no log in" in ran.err
    assert "start the bot once" in ran.err


def test_a_host_that_is_not_ours_is_refused(run: Run, folder: Path) -> None:
    """With what helps; 192.0.2.1 is nobody's (RFC 5737)."""
    ran = run("page", folder, "--host", "192.0.2.1")

    assert ran.code == 2
    assert "can't be listened on" in ran.err
    assert "--port" in ran.err
