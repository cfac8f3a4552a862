"""The model that the conformance suite asks for: it does what its input says, as the C# worker's "simulated" does.

The input is a JSON object, or its text: ``seconds`` to run, ``fail`` with that message, ``progress`` reports how far it is.
"""

import json
import sys
import time

from ticketapp_worker import ModelError, cancelled, model, run


@model(sys.argv[1] if len(sys.argv) > 1 else "simulated", description="Does what its input says", slots=4)
def obey(input, progress):
    try:
        command = json.loads(input) if isinstance(input, str) else input
    except ValueError:
        command = None
    command = command if isinstance(command, dict) else {}
    seconds = float(command.get("seconds", 0))
    started = time.monotonic()
    while (elapsed := time.monotonic() - started) < seconds and not cancelled():
        if command.get("progress"):
            progress(elapsed / seconds, "." if elapsed < seconds / 2 else "")
        time.sleep(min(0.05, seconds - elapsed))
    if cancelled():
        return None
    if command.get("fail"):
        raise ModelError(command["fail"])
    return "Happy message"


if __name__ == "__main__":
    run()
