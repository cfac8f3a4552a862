"""The connection to the broker, and what a worker does over it: docs/worker-protocol.md."""

from __future__ import annotations

import json
import logging
import os
import random
import secrets
import signal
import socket
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Callable, Deque, Dict, Generator, List, Optional, Set

try:
    import pika
    from pika.adapters.select_connection import IOLoop, SelectConnection
except ImportError as error:  # pragma: no cover
    raise ImportError(
        f"ticketapp_worker needs pika, which {sys.executable} does not have: apt-get install python3-pika for /usr/bin/python3, "
        "or pip install pika"
    ) from error

from ._health import HealthServer
from ._messages import (
    CONTROL,
    ERRORS,
    MAX_ELEMENTS,
    MAX_RESPONSE,
    REPORTS,
    RESPONSES,
    Key,
    failed,
    read_tickets,
    run_key,
    to_json,
    unreadable,
)
from ._runs import Call, Model, Outcome, Run
from ._settings import hosts_of, seconds, whole
from ._tracing import end_span, trace_parent_of

MAX_BATCH = 200
MAX_PREFETCH = 65_535
TICK = 0.25
GATHERING = 0.003
WORTH_A_REPORT = 0.5
BEAT = 10.0
SCHEMA_INTERVAL = 60.0
BIND_INTERVAL = 5.0
STOP_GRACE = 3.0
HAND_BACK_LIMIT = STOP_GRACE + 1
CONFIRM_LIMIT = 15.0
FLUSH_LIMIT = 2.0
MAX_PAUSE = 5.0
MAX_MEMORY = 3600
WARM_UP_PAUSE = 5.0
HANGS_AFTER = 30.0
STUCK_EXIT_CODE = 3

log = logging.getLogger("ticketapp_worker")
Steps = Generator[Callable[..., Any], Any, None]


class Message:
    """A delivered message: acknowledged once the ends of all its tickets are with the broker."""

    def __init__(self, channel: Any, tag: int, left: int = 1) -> None:
        self.channel, self.tag, self.left = channel, tag, left
        self.received = time.monotonic()
        self._is_acknowledged = False

    @property
    def is_gone(self) -> bool:
        return self._is_acknowledged or not self.channel.is_open

    def complete(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.acknowledge()

    def acknowledge(self) -> None:
        if not self.is_gone:
            self._is_acknowledged = True
            self.channel.basic_ack(self.tag)


@dataclass
class Entry:
    """Something for the broker, and what is done with once the broker has it."""

    body: Optional[Dict[str, Any]]
    run: Optional[Run] = None
    message: Optional[Message] = None
    queue: str = RESPONSES

    @property
    def size(self) -> int:
        body = self.body or {}
        response = body.get("response", "")
        return len(response if isinstance(response, str) else to_json(response)) + len(body.get("text", ""))


class Worker:
    """All of it but :meth:`_call` and :meth:`_warm_up` runs in one thread, that of the loop."""

    def __init__(self, models: List[Model], url: str) -> None:
        self._hosts = hosts_of(url)
        self._models = models
        self._name = f"{socket.gethostname()[:180]}-{secrets.token_hex(4)}"
        self._drain_timeout = seconds("Worker__DrainTimeout", 5)
        self._execution_timeout = seconds("Worker__ExecutionTimeout", 420)
        self._acknowledge_after = seconds("Worker__AcknowledgeAfter", 600)
        self._max_stuck = whole("Worker__MaxStuckRuns", 10, 0)
        for served in models:
            # With 0 the broker would send without limit.
            served.slots = whole(f"Worker__Slots__{served.name}", whole("Worker__Concurrency", served.slots, 1), 1)
        self._loop = IOLoop()
        self._connection: Any = None
        self._channel: Any = None
        self._is_blocked = False
        self._pause = TICK
        self._runs: Dict[Key, Run] = {}
        self._calls: Set[Call] = set()
        self._unwanted: Dict[Key, float] = {}
        self._outbox: Deque[Entry] = deque()
        self._in_flight: List[Entry] = []
        self._sent = 0.0
        self._beaten: Optional[float] = None
        self._schemas_sent: Optional[float] = None
        self._warm_told = 0
        self._stuck = 0
        self._exit_code = 0
        self._is_told_to_stop = False
        self._drained_since = self._handed_back = self._flushed_since = 0.0
        self._ticked = time.monotonic()
        self._health = HealthServer.at(os.environ.get("Worker__HealthAddress"), self._is_alive, self._defects)

    def run(self) -> int:
        """Returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        for served in self._models:
            served.is_warm = served.warm_up is None
            if not served.is_warm:
                threading.Thread(target=self._warm_up, args=(served,), name=f"{served.name} warm-up", daemon=True).start()
        self._connect()
        self._tick()
        self._loop.start()
        return self._exit_code

    def _on_signal(self, number: int, _frame: Any) -> None:
        # Looked at by the next tick. A second one ends the process at once.
        self._is_told_to_stop = True
        signal.signal(number, signal.SIG_DFL)

    # Health

    def _is_alive(self) -> bool:
        return time.monotonic() - self._ticked < HANGS_AFTER

    def _defects(self) -> List[str]:
        """Why it takes no tickets, or not those of all models."""
        return [
            *([] if self._is_ready else ["broker: there is no connection, or it takes no messages"]),
            *(["worker: it stops"] if self._is_told_to_stop else []),
            *(f"{served.name}: the model is not ready yet" for served in self._models if not served.is_warm),
        ]

    def _warm_up(self, served: Model) -> None:
        while not self._is_told_to_stop:
            try:
                served.warm_up()  # type: ignore[misc]
                self._loop.add_callback_threadsafe(partial(self._on_warm, served))
                return
            except BaseException as error:  # SystemExit would leave the model out for good, and nobody would know why.
                log.error("The model %s did not get ready; next try in %.0f s", served.name, WARM_UP_PAUSE, exc_info=error)
                time.sleep(WARM_UP_PAUSE)

    def _on_warm(self, served: Model) -> None:
        served.is_warm = True
        log.info("The model %s is ready", served.name)
        if self._channel is not None and not self._drained_since:
            self._tick_heartbeat()
            self._consume(self._connection, served)

    # Connection

    def _connect(self) -> None:
        random.shuffle(self._hosts)
        SelectConnection.create_connection(self._hosts, self._on_connected, custom_ioloop=self._loop)

    def _on_connected(self, result: Any) -> None:
        if isinstance(result, BaseException):
            self._connect_later(result)
            return
        self._connection = result
        result.add_on_close_callback(self._on_closed)
        result.add_on_connection_blocked_callback(lambda *_: self._set_blocked(True))
        result.add_on_connection_unblocked_callback(lambda *_: self._set_blocked(False))
        advance(self._set_up(result))

    def _on_closed(self, _connection: Any, reason: BaseException) -> None:
        self._connection = self._channel = None
        self._is_blocked = False
        self._beaten = self._schemas_sent = None
        # Unconfirmed: the broker may have them or not. What it gets twice counts once.
        self._outbox.extendleft(reversed(self._in_flight))
        self._in_flight = []
        if self._flushed_since:
            self._loop.stop()
        else:
            self._connect_later(reason)

    def _connect_later(self, reason: BaseException) -> None:
        log.warning("No connection to the broker (%s); next try in %.1f s", explain(reason), self._pause)
        self._loop.call_later(self._pause, self._connect)
        self._pause = min(MAX_PAUSE, 2 * self._pause)

    def _close(self, *_: Any) -> None:
        if self._connection is not None and self._connection.is_open:
            self._connection.close()

    def _set_blocked(self, is_blocked: bool) -> None:
        log.warning("The broker takes no messages for now" if is_blocked else "The broker takes messages again")
        self._is_blocked = is_blocked
        self._sent = time.monotonic()
        self._flush()

    def _set_up(self, connection: Any) -> Steps:
        channel = yield lambda callback: connection.channel(on_open_callback=callback)
        channel.add_on_close_callback(self._close)
        channel.add_on_cancel_callback(self._close)
        channel.add_on_return_callback(self._close)
        # Declared by an API. Without them the broker closes the channel, and this is tried again.
        for exchange in (CONTROL, REPORTS):
            yield partial(channel.exchange_declare, exchange, passive=True)
        declared = yield partial(channel.queue_declare, "", exclusive=True, auto_delete=True)
        yield partial(channel.queue_bind, declared.method.queue, CONTROL)
        # Before the first ticket: a notice that concerns it is heard.
        yield partial(channel.basic_consume, declared.method.queue, self._on_notice, auto_ack=True)
        yield partial(channel.confirm_delivery, self._on_confirmed)
        self._channel, self._pause = channel, TICK
        log.info("Connected to the broker as %s, serving %s", self._name, ", ".join(served.name for served in self._models))
        self._tick_heartbeat()
        self._flush()
        for served in self._models:
            if served.is_warm:
                self._consume(connection, served)
        self._loop.call_later(BIND_INTERVAL, partial(self._keep_bound, connection, declared.method.queue))

    def _keep_bound(self, connection: Any, queue: str) -> None:
        """With the exchange, somebody may have deleted the binding. On a channel of its own: where the exchange is missing, it closes."""
        if connection.is_open:
            advance(self._bind(connection, queue))
            self._loop.call_later(BIND_INTERVAL, partial(self._keep_bound, connection, queue))

    @staticmethod
    def _bind(connection: Any, queue: str) -> Steps:
        channel = yield lambda callback: connection.channel(on_open_callback=callback)
        yield partial(channel.queue_bind, queue, CONTROL)
        channel.close()

    def _consume(self, connection: Any, served: Model) -> None:
        if connection.is_open and not self._drained_since:
            advance(self._set_up_queue(connection, served))

    def _set_up_queue(self, connection: Any, served: Model) -> Steps:
        # The broker closes the channel where the queue is missing (an API declares it when it hears of the model) and where a message
        # is held for too long; the other models have no part in it.
        channel = yield lambda callback: connection.channel(on_open_callback=callback)
        channel.add_on_close_callback(lambda *_: self._consume_later(connection, served))
        channel.add_on_cancel_callback(lambda _: channel.close())
        yield partial(channel.queue_declare, served.queue, passive=True)
        yield partial(channel.basic_qos, prefetch_count=min(served.tickets, MAX_PREFETCH))
        served.channel, served.pause = channel, TICK
        channel.basic_consume(served.queue, partial(self._on_message, served), consumer_tag=self._name)

    def _consume_later(self, connection: Any, served: Model) -> None:
        served.channel = None
        if connection.is_open:
            self._loop.call_later(served.pause, partial(self._consume, connection, served))
            served.pause = min(MAX_PAUSE, 2 * served.pause)

    # Messages in

    def _on_notice(self, _channel: Any, _method: Any, _properties: Any, body: bytes) -> None:
        try:
            notice = json.loads(body)
            keys = [run_key(item) for item in notice["runs"]]
            until = time.monotonic() + min(MAX_MEMORY, max(0, int(notice.get("remember_seconds") or 0)))
            unused = {(item["model"], item["input_schema_id"]): item["reason"] for item in notice.get("unused_schemas") or []}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            log.warning("A notice to stop runs could not be read: %s", error)
            return
        for key in keys:
            self._unwanted[key] = until
            if key in self._runs:
                self._stop(self._runs[key], "returned")
        for served in self._models:
            # It is said again and again.
            if (reason := unused.get((served.name, served.schema_id))) and not served.is_told:
                served.is_told = True
                log.warning("The input schema of the model %s is not used, and inputs are not checked: %s", served.name, reason)
        self._unwanted = {key: until for key, until in self._unwanted.items() if until > time.monotonic()}

    def _on_message(self, served: Model, channel: Any, method: Any, _properties: Any, body: bytes) -> None:
        elements = read_tickets(body)
        tickets = [ticket for ticket, _, _ in elements if ticket is not None]
        message = Message(channel, method.delivery_tag, max(1, len(elements)))
        if tickets and len(tickets) == len(elements) and not method.redelivered and self._hold(served, message, tickets):
            return
        if not elements:
            self._send(Entry(None, message=message))
        for ticket, raw, defect in elements:
            if ticket is not None:
                self._take(served, ticket, message, method.redelivered)
            else:
                log.error("A message in %s could not be read and goes to errors: %s", served.queue, defect)
                self._send(Entry(unreadable(served.queue, raw, defect or ""), message=message, queue=ERRORS))

    def _hold(self, served: Model, message: Message, tickets: List[Dict[str, Any]]) -> bool:
        """The broker counts a slot as free whose message was acknowledged early, and sends one too many: its tickets are returned at
        once, and the message is held in that run's place."""
        runs = [known for known in self._runs.values() if known.model is served]
        run = next((known for known in runs if known.message.is_gone), None)
        if run is None or len(runs) < served.tickets:
            return False
        message.left = 1
        run.message = message
        for ticket in tickets:
            self._send(Entry(self._report(ticket, "returned")))
        return True

    def _take(self, served: Model, ticket: Dict[str, Any], message: Message, is_redelivered: bool) -> None:
        key = run_key(ticket)
        known = self._runs.get(key)
        if known is not None:
            # Ours, from before a lost connection: its end acknowledges this message.
            if known.message.is_gone:
                known.message = message
            else:
                message.complete()
        elif is_redelivered:
            # Somebody had it and may be gone, or not. The API decides, and dispatches it again under the next epoch.
            self._send(Entry(self._report(ticket, "redelivered"), message=message))
        elif self._handed_back:
            self._send(Entry(self._report(ticket, "returned"), message=message))
        else:
            run = self._runs[key] = Run(ticket, served, message, self._execution_timeout)
            if self._unwanted.get(key, 0) > time.monotonic():
                self._stop(run, "returned")
            elif ticket["model"] != served.name:
                self._end(run, failed("unknown_model", f"No such model here: {ticket['model']}", is_final=True))
            elif defect := served.defect(ticket.get("input")):
                self._end(run, failed("invalid_input", defect, is_final=True))
            else:
                served.waiting.append(run)
                self._start_waiting(served)

    # Runs

    def _start_waiting(self, served: Model) -> None:
        if served.batch == 1:
            self._start_calls(served)
        elif served.waiting and served.running < served.slots and not served.is_gathering:
            # Those that come within a few milliseconds share a call.
            served.is_gathering = True
            self._loop.call_later(GATHERING, partial(self._start_gathered, served))

    def _start_gathered(self, served: Model) -> None:
        served.is_gathering = False
        self._start_calls(served)

    def _start_calls(self, served: Model) -> None:
        while served.running < served.slots and (runs := self._take_waiting(served)):
            call = Call(runs)
            self._calls.add(call)
            served.running += 1
            threading.Thread(target=self._call, args=(call,), name=f"{served.name} {runs[0].ticket['ticket_id']}", daemon=True).start()

    def _take_waiting(self, served: Model) -> List[Run]:
        runs: List[Run] = []
        while served.waiting and len(runs) < served.batch:
            run = served.waiting.popleft()
            if run.has_ended:
                continue
            if run.is_stale:
                run.has_ended = True
                self._send(Entry(None, run=run))
                continue
            run.start()
            runs.append(run)
        return runs

    def _call(self, call: Call) -> None:
        outcomes = call.outcomes()
        self._loop.add_callback_threadsafe(lambda: self._on_called(call, outcomes))

    def _on_called(self, call: Call, outcomes: List[Outcome]) -> None:
        if call.is_stuck:
            self._stuck -= 1
            return
        for run, outcome in zip(call.runs, outcomes):
            if outcome is None:
                self._end_stopped(run)
            else:
                self._end(run, outcome)
        self._release(call)

    def _release(self, call: Call) -> None:
        self._calls.discard(call)
        call.model.running -= 1
        self._start_waiting(call.model)

    def _stop(self, run: Run, stop_type: str) -> None:
        run.stop(stop_type)
        if run.started is None or run.model.batch > 1:
            # The others of its batch are wanted still, and its place there counts for nothing.
            self._end_stopped(run)

    def _end_stopped(self, run: Run) -> None:
        self._end(run, {"type": "returned"} if run.stop_type == "returned" else failed(
            "execution_timeout", f"The run took longer than {timedelta(seconds=run.limit)}"))

    def _end(self, run: Run, outcome: Dict[str, Any]) -> None:
        if run.has_ended:
            return
        run.has_ended = True
        self._send(Entry({**self._report(run.ticket, outcome["type"], run), **outcome}, run=run))
        end_span(run.span, outcome.get("error_type"))

    def _report(self, ticket: Dict[str, Any], report_type: str, run: Optional[Run] = None) -> Dict[str, Any]:
        report: Dict[str, Any] = {"type": report_type, "worker": self._name}
        report.update((name, ticket[name]) for name in ("ticket_id", "user_id", "epoch"))
        # The span of a run that continues is not told about until it ends, and never if its process is killed: nothing may hang on it.
        span = run.span if run is not None and run.has_ended else None
        if trace_parent := trace_parent_of(span, ticket):
            report["trace_parent"] = trace_parent
        if run is not None:
            report["run_milliseconds"] = int(run.elapsed * 1000)
        return report

    # Time

    def _tick(self) -> None:
        self._loop.call_later(TICK, self._tick)
        now = self._ticked = time.monotonic()
        for run in list(self._runs.values()):
            if run.started is None or run.has_ended:
                continue
            if run.stop_type is None and run.elapsed > run.limit:
                self._stop(run, "execution_timeout")
            if self._is_ready and not run.has_ended:
                self._tell(run, now)
        for call in list(self._calls):
            if call.stopped is not None and now - call.stopped > STOP_GRACE:
                self._leave(call)
        if self._is_ready and (self._beaten is None or now - self._beaten >= BEAT):
            self._tick_heartbeat()
        if self._in_flight and not self._is_blocked and now - self._sent > CONFIRM_LIMIT:
            self._close()
        if self._is_told_to_stop:
            self._drain(now)

    @property
    def _is_ready(self) -> bool:
        return self._channel is not None and not self._is_blocked

    def _tell(self, run: Run, now: float) -> None:
        if not run.is_reported and run.elapsed >= WORTH_A_REPORT:
            run.is_reported = True
            self._send(Entry({
                **self._report(run.ticket, "started", run), "execution_timeout_milliseconds": int(run.limit * 1000)}))
        if told := run.take_progress():
            self._send(Entry({**self._report(run.ticket, "progress", run), **told}))
        if run.is_reported and run.message.left == 1 and now - run.message.received > self._acknowledge_after:
            # Before the broker takes it for forgotten: from now on the lease alone protects the run.
            run.message.acknowledge()

    def _tick_heartbeat(self) -> None:
        self._beaten = time.monotonic()
        # Schemas are in the first heartbeat of a connection, in that after a model became warm, and now and then in another.
        warm = [served for served in self._models if served.is_warm]
        with_schemas = (
            self._schemas_sent is None or len(warm) > self._warm_told or self._beaten - self._schemas_sent >= SCHEMA_INTERVAL)
        if with_schemas:
            self._schemas_sent = self._beaten
        self._warm_told = len(warm)
        offers = [] if self._drained_since else [served.offer(with_schemas) for served in warm]
        runs = [
            {"ticket_id": run.ticket["ticket_id"], "epoch": run.ticket["epoch"]} for run in self._runs.values() if run.is_reported]
        for start in range(0, max(1, len(runs)), MAX_ELEMENTS):
            self._send(Entry({
                "type": "heartbeat", "worker": self._name, "models": offers, "runs": runs[start:start + MAX_ELEMENTS]}))

    def _leave(self, call: Call) -> None:
        call.is_stuck = True
        self._stuck += 1
        log.error("A run of the model %s does not stop and is left to itself; %d such runs continue", call.model.name, self._stuck)
        for run in call.runs:
            self._end_stopped(run)
        self._release(call)
        if self._stuck > self._max_stuck:
            self._exit_code, self._is_told_to_stop = STUCK_EXIT_CODE, True

    def _drain(self, now: float) -> None:
        """Takes no more, gives the runs their time, returns what is left, and ends once the broker has the reports."""
        if not self._drained_since:
            self._drained_since = now
            for served in self._models:
                if served.channel is not None and served.channel.is_open:
                    served.channel.basic_cancel(self._name)
            if self._is_ready:
                self._tick_heartbeat()
        left = [run for run in self._runs.values() if not run.has_ended]
        if left and not self._handed_back and now - self._drained_since >= self._drain_timeout:
            log.info("Stopping: %d tickets did not finish in time and are returned", len(left))
            self._handed_back = now
            for run in left:
                self._stop(run, "returned")
        if left and not (self._handed_back and now - self._handed_back > HAND_BACK_LIMIT):
            return
        self._flushed_since = self._flushed_since or now
        if not self._is_ready or not (self._outbox or self._in_flight) or now - self._flushed_since > FLUSH_LIMIT:
            if self._connection is None or now - self._flushed_since > 2 * FLUSH_LIMIT:
                self._loop.stop()
            else:
                self._close()

    # Messages out

    def _send(self, entry: Entry) -> None:
        self._outbox.append(entry)
        self._flush()

    def _flush(self) -> None:
        """Publishes what has gathered while the message before was on its way. One at a time: the broker has them in order."""
        while self._outbox and not self._in_flight and self._is_ready and self._channel.is_open:
            self._in_flight = self._take_batch()
            bodies = [entry.body for entry in self._in_flight if entry.body is not None]
            if not bodies:
                self._complete()
                continue
            self._sent = time.monotonic()
            self._channel.basic_publish(
                REPORTS,
                self._in_flight[0].queue,
                to_json(bodies[0] if len(bodies) == 1 else bodies).encode(),
                pika.BasicProperties(content_type="application/json", delivery_mode=2),
                mandatory=True)

    def _take_batch(self) -> List[Entry]:
        batch = [self._outbox.popleft()]
        size = batch[0].size
        while (batch[0].queue == RESPONSES and self._outbox and self._outbox[0].queue == RESPONSES
               and len(batch) < MAX_BATCH and size < MAX_RESPONSE):
            batch.append(self._outbox.popleft())
            size += batch[-1].size
        return batch

    def _on_confirmed(self, frame: Any) -> None:
        if isinstance(frame.method, pika.spec.Basic.Ack):
            self._complete()
            self._flush()
        else:
            self._outbox.extendleft(reversed(self._in_flight))
            self._in_flight = []
            self._loop.call_later(TICK, self._flush)

    def _complete(self) -> None:
        done, self._in_flight = self._in_flight, []
        for entry in done:
            if entry.run is not None:
                # It goes before its message: a repetition from now on is a message of its own.
                del self._runs[entry.run.key]
                entry.run.message.complete()
            elif entry.message is not None:
                entry.message.complete()


def advance(steps: Steps, result: Any = None) -> None:
    """Takes the next of several steps, each of which calls back with its result."""
    try:
        step = steps.send(result)
    except StopIteration:
        return
    step(callback=partial(advance, steps))


def explain(reason: Any) -> str:
    """The cause, which pika wraps several times."""
    while inner := (getattr(reason, "exceptions", None) or [getattr(reason, "exception", None)])[-1]:
        reason = inner
    return str(getattr(reason, "reply_text", None) or reason) or type(reason).__name__
