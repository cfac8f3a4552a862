"""Serves models of TicketApp that are written in Python.

A model is a function; :func:`run` connects to the broker and calls it for each ticket::

    from ticketapp_worker import model, run

    @model("shout", description="Answers in capitals")
    def predict(input, progress):
        return input.upper()

    run()

The main thread talks to the broker: it keeps the broker's heartbeats and the tickets' leases alive while models compute in threads
of their own. What it may rely on, and what it must do, is in docs/worker-protocol.md. The only dependency is pika.
"""

from __future__ import annotations

import logging
import os
from typing import Optional

from ._runs import Answer, Cancelled, ModelError, Progress, cancelled, model, models
from ._worker import Worker

__all__ = ["Answer", "Cancelled", "ModelError", "Progress", "cancelled", "model", "run"]
__version__ = "1.0.0"


def run(url: Optional[str] = None) -> None:
    """Serves all models until SIGTERM or SIGINT. Call it in the main thread.

    Settings are those of the other workers, from the environment: ``Worker__DrainTimeout`` (00:00:05), ``Worker__ExecutionTimeout``
    (00:07:00), ``Worker__AcknowledgeAfter`` (00:10:00), ``Worker__MaxStuckRuns`` (10), ``Worker__Concurrency``,
    ``Worker__Slots__NAME``; and ``Worker__HealthAddress`` (none), such as ``0.0.0.0:8080``, where probes get /health and /alive.

    :param url: ``amqp://user:password@host:5672/vhost`` or ``amqps://…?cacertfile=/ca.pem``, with several hosts for a cluster.
        Default: ``ConnectionStrings__rabbitmq`` of the environment.
    :raises SystemExit: with 3, if too many runs did not stop when told to: the worker has to be started again.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    # It says as an error, with its stack, what is said here in a line.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    url = url or os.environ.get("ConnectionStrings__rabbitmq")
    if not url:
        raise SystemExit("ConnectionStrings__rabbitmq is missing: the address of the broker, as amqp://user:password@host:5672")
    if not models:
        raise SystemExit("there is no model: decorate a function with @model(...)")
    if code := Worker(list(models.values()), url).run():
        raise SystemExit(code)
