"""Models, and their runs."""

from __future__ import annotations

import hashlib
import inspect
import json
import logging
import math
import re
import threading
import time
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Callable, Deque, Dict, List, Mapping, Optional, Protocol, TypeVar, Union

from ._messages import (
    MAX_DETAILS, MAX_DETAILS_DEPTH, MAX_RESPONSE, MAX_SCHEMA, MAX_SCHEMA_DEPTH, Key, clean, failed, is_longer, run_key, to_json)
from ._tracing import Span, start_span, use_span

if TYPE_CHECKING:
    from ._worker import Message

MAX_DESCRIPTION = 2000
MAX_KIND = 50
MAX_TICKETS = 1_000_000
MAX_WHOLE = 2**31 - 1

log = logging.getLogger("ticketapp_worker")
Outcome = Optional[Dict[str, Any]]


class Progress(Protocol):
    """Says how far a run is, at any rate; callers see it a few times a second."""

    def __call__(self, fraction: Optional[float] = None, text: Optional[str] = None) -> None:
        """Reports the fraction done, from 0 to 1, what the answer has grown by, or both.

        :raises Cancelled: the run is told to stop.
        """


class Cancelled(BaseException):
    """The run is told to stop: its time is over, its ticket is not wanted any more, or the worker stops. Let it out."""


class ModelError(Exception):
    """The attempt failed, and the model knows more about that. Callers see the message.

    :param error_type: a stable word for the reason, up to 50 characters.
    :param final: another attempt would fail as well, so that none is made.
    :param retry_after: the least pause before the next attempt, in seconds or as a timedelta; None: the usual one.
    """

    def __init__(
        self,
        message: str = "The model failed",
        *,
        error_type: str = "model_error",
        final: bool = False,
        retry_after: Union[float, timedelta, None] = None,
    ) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.final = final
        self.retry_after = retry_after.total_seconds() if isinstance(retry_after, timedelta) else retry_after


@dataclass(frozen=True)
class Answer:
    """An answer with details, a JSON object of up to 10,000 characters such as ``{"probability": 0.97}``."""

    response: Any
    details: Optional[Mapping[str, Any]] = None


@dataclass
class Model:
    name: str
    predict: Callable[..., Any]
    description: str
    slots: int
    input_required: bool
    max_input_characters: int
    input_schema: Optional[Dict[str, Any]] = None
    batch: int = 1
    warm_up: Optional[Callable[[], object]] = None
    is_warm: bool = False
    kind: Optional[str] = None
    is_told: bool = False
    running: int = 0
    waiting: Deque["Run"] = field(default_factory=deque)
    is_gathering: bool = False
    channel: Any = None
    pause: float = 0.25

    @property
    def tickets(self) -> int:
        """How many tickets at once."""
        return self.slots * self.batch

    @property
    def queue(self) -> str:
        return "tickets" if self.name == "simulated" else f"tickets.{self.name}"

    @property
    def schema_id(self) -> Optional[str]:
        schema = self.input_schema
        return None if schema is None else hashlib.sha256(to_json(schema).encode()).hexdigest()[:16]

    def offer(self, with_schema: bool) -> Dict[str, Any]:
        """What heartbeats say of it. The schema may be long, and is not in each."""
        offer = {
            "name": self.name,
            "description": self.description,
            "input_required": self.input_required,
            "max_input_characters": self.max_input_characters,
            "largest_batch": self.batch,
            "slots": self.tickets,
        }
        if self.kind is not None:
            offer["kind"] = self.kind
        if self.input_schema is not None:
            offer["input_schema_id"] = self.schema_id
            if with_schema:
                offer["input_schema"] = self.input_schema
        return offer

    def defect(self, value: Any) -> Optional[str]:
        """Why the input cannot be run."""
        if value is None or value == "":
            return "This model needs input" if self.input_required else None
        text = value if isinstance(value, str) else to_json(value)
        return f"The input has more than {self.max_input_characters} characters" if is_longer(text, self.max_input_characters) else None


models: Dict[str, Model] = {}
F = TypeVar("F", bound=Callable[..., Any])


def model(
    name: str,
    *,
    description: str,
    slots: int = 1,
    input_required: bool = False,
    max_input_characters: int = 10_000,
    input_schema: Optional[Mapping[str, Any]] = None,
    batch: int = 1,
    warm_up: Optional[Callable[[], object]] = None,
    kind: Optional[str] = None,
) -> Callable[[F], F]:
    """Makes a function the model of that name: ``predict(input, progress)``, which is called in a thread of its own for each ticket.

    ``input`` is any JSON value; None without one. The answer is what is returned: a text, any other JSON value, or an
    :class:`Answer`. A generator streams: the texts that it yields are progress and, unless it returns something, together the
    answer; a number that it yields is the fraction done. An exception fails the attempt; :class:`ModelError` says more.

    With ``batch`` above 1 it is ``predict(inputs, progress)``, for up to so many tickets that wait at that moment. Both are lists
    of one length, and so is what it returns: an answer for each input, in their order, or an exception for one that fails alone.
    If the call raises, each of its tickets is run by itself, in a list of one.

    :param name: the word by which tickets choose it: up to 50 lower-case letters, digits and hyphens.
    :param description: one sentence for people.
    :param slots: how many calls at once, each in a thread.
    :param input_required: whether it cannot run without input.
    :param max_input_characters: the longest input, in UTF-16 characters.
    :param input_schema: the JSON Schema (2020-12) of the input, an object such as ``{"type": "object", "properties": {…}}`` or a
        pydantic model's ``Model.model_json_schema()``. The API checks inputs against it when tickets are submitted; a retried ticket
        may be older than the schema, so read the input with care. docs/models.md says what a schema may have.
    :param batch: the most tickets of one call.
    :param warm_up: gets the model ready, such as by loading weights, in a thread of its own. No ticket comes before it has returned.
        If it raises, it is called again after five seconds.
    :param kind: which inputs and responses it has, in a word such as ``chat``: clients of OpenAI's API reach a model of that kind.
    """
    if not re.fullmatch("[a-z0-9][a-z0-9-]{0,49}", name):
        raise ValueError(f"{name!r} is no name of a model: up to 50 lower-case letters, digits and hyphens")
    if name in models:
        raise ValueError(f"there is a model {name!r} already")
    if slots < 1 or batch < 1 or not description:
        raise ValueError("a model has a description, at least one slot, and at least one ticket in a batch")
    # An API reads no heartbeat that has more, and would know of none of the worker's models.
    for what, text, most in (("description", description, MAX_DESCRIPTION), ("kind", kind or "", MAX_KIND)):
        if is_longer(text, most) or "\0" in text:
            raise ValueError(f"the {what} of a model has at most {most} characters, without U+0000")
    if kind == "" or not 0 <= max_input_characters <= MAX_WHOLE or slots * batch > MAX_TICKETS:
        raise ValueError(
            f"a model has a kind that is a word, if any, inputs of 0 to {MAX_WHOLE} characters, and at most {MAX_TICKETS} tickets at once")

    schema = None if input_schema is None else read_schema(input_schema)

    def add(predict: F) -> F:
        if inspect.iscoroutinefunction(predict) or inspect.isasyncgenfunction(predict):
            raise TypeError("a model is a function or a generator, not a coroutine: it has a thread of its own and may block")
        if batch > 1 and inspect.isgeneratorfunction(predict):
            raise TypeError("a model of batches is a function, not a generator: it returns a list, and may call progress")
        models[name] = Model(
            name, predict, description, slots, input_required, max_input_characters, schema, batch, warm_up, kind=kind)
        return predict

    return add


def read_schema(schema: Mapping[str, Any]) -> Dict[str, Any]:
    """A copy of a schema, as it is sent. Whether it is a schema is for the API to say: it logs a warning and checks nothing if not."""
    if not isinstance(schema, Mapping):
        raise TypeError("input_schema is a JSON Schema, which is a dict")
    try:
        text = to_json(clean(dict(schema), MAX_SCHEMA_DEPTH))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"input_schema is no JSON, or is nested deeper than {MAX_SCHEMA_DEPTH}: {error}") from error
    if len(text.encode()) > MAX_SCHEMA:
        raise ValueError(f"input_schema has more than {MAX_SCHEMA} bytes")
    return dict(json.loads(text))


def cancelled() -> bool:
    """Whether the run of this thread is told to stop; of a batch, whether all are. A model that continues for three more seconds is
    left to itself."""
    current = current_call.get()
    return current is not None and current.stopped is not None


class Run:
    """A ticket in progress, from its delivery until its end is with the broker."""

    def __init__(self, ticket: Dict[str, Any], served: Model, message: Message, limit: float) -> None:
        self.ticket, self.model, self.message = ticket, served, message
        own = ticket.get("execution_timeout_seconds") or 0
        self.limit = min(own, limit) if own > 0 else limit
        self.delivered = time.monotonic()
        self.started: Optional[float] = None
        self.call: Optional[Call] = None
        self.span: Optional[Span] = None
        self.stop_type: Optional[str] = None
        self.stopped = 0.0
        self.is_reported = self.has_ended = False
        self._lock = threading.Lock()
        self._texts: List[str] = []
        self._characters = 0
        self._fraction: Optional[float] = None
        self._is_news = False
        self._sequence = 0
        self._taken = 0.0

    @property
    def key(self) -> Key:
        return run_key(self.ticket)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started if self.started else 0.0

    @property
    def is_stale(self) -> bool:
        """Whether it waited here for so long that its lease may have ended."""
        return 0 < (self.ticket.get("start_within_seconds") or 0) < time.monotonic() - self.delivered

    def start(self) -> None:
        """It has a slot now, and its time begins."""
        self.started = time.monotonic()
        self.span = start_span(self.ticket)

    def stop(self, stop_type: str) -> None:
        if self.stop_type is None:
            self.stop_type, self.stopped = stop_type, time.monotonic()

    def progress(self, fraction: Optional[float] = None, text: Optional[str] = None) -> None:
        """Gathers what the model says; see :class:`Progress`."""
        # Here it fails the attempt; later it would end the worker.
        if not isinstance(text, (str, type(None))):
            raise TypeError(f"The text of progress is a str, not {type(text).__name__}")
        if self.stop_type is not None:
            if self.call is None or self.call.stopped is not None:
                raise Cancelled
            # The others of its batch are wanted still.
            return
        with self._lock:
            if fraction is not None and math.isfinite(fraction):
                self._fraction, self._is_news = min(1.0, max(0.0, float(fraction))), True
            if text and self._characters + 2 * len(text) <= MAX_RESPONSE:
                self._texts.append(text)
                self._characters += 2 * len(text)
                self._is_news = True

    def take_progress(self) -> Optional[Dict[str, Any]]:
        """What is new since the last call. The older the run, the seldomer: one of a day would else have 300,000 reports."""
        now = time.monotonic()
        if not self._is_news or (self._taken and now - self._taken < (now - self.delivered) / 1000):
            return None
        with self._lock:
            self._taken, self._is_news = now, False
            self._sequence += 1
            told: Dict[str, Any] = {"sequence": self._sequence}
            if self._fraction is not None:
                told["fraction"] = self._fraction
            if self._texts:
                told["text"] = clean("".join(self._texts))
                self._texts.clear()
            return told


class Call:
    """A call of a model, for one run or for a batch of runs."""

    def __init__(self, runs: List[Run]) -> None:
        self.runs, self.model = runs, runs[0].model
        self.is_stuck = False
        for run in runs:
            run.call = self

    @property
    def stopped(self) -> Optional[float]:
        """Since when nobody waits for any of its runs; None while somebody does."""
        return None if any(run.stop_type is None for run in self.runs) else max(run.stopped for run in self.runs)

    def outcomes(self) -> List[Outcome]:
        """Calls the model, in the calling thread.

        :returns: what the report of each run's end says; None for one that stopped because it was told to.
        """
        current = current_call.set(self)
        try:
            with use_span(self.runs[0].span if len(self.runs) == 1 else None):
                return self._of_batch(self.runs) if self.model.batch > 1 else [self._of_one(self.runs[0])]
        finally:
            current_call.reset(current)

    def _of_one(self, run: Run) -> Outcome:
        try:
            return outcome(run, self._answer(run))
        except BaseException as error:  # SystemExit ends the thread and not the process; the ticket has to end too.
            return outcome(run, error)

    def _of_batch(self, runs: List[Run]) -> List[Outcome]:
        try:
            answers = self.model.predict([run.ticket.get("input") for run in runs], [run.progress for run in runs])
            if not isinstance(answers, (list, tuple)) or len(answers) != len(runs):
                raise TypeError(f"The model had {len(runs)} inputs and did not return a list of as many answers")
            return [outcome(run, answer) for run, answer in zip(runs, answers)]
        except BaseException as error:
            if len(runs) == 1 or isinstance(error, Cancelled):
                return [outcome(run, error) for run in runs]
            log.warning("The model %s failed with a batch of %d; each is run by itself", self.model.name, len(runs), exc_info=error)
            return [None if run.stop_type is not None else self._of_batch([run])[0] for run in runs]

    def _answer(self, run: Run) -> Any:
        result = self.model.predict(run.ticket.get("input"), run.progress)
        if not inspect.isgenerator(result):
            return result
        texts = []
        try:
            while True:
                item = next(result)
                if isinstance(item, str):
                    texts.append(item)
                    run.progress(text=item)
                elif isinstance(item, (int, float)):
                    run.progress(item)
                else:
                    raise TypeError(f"A model yields texts and fractions, not {type(item).__name__}")
        except StopIteration as end:
            return end.value if end.value is not None or not texts else "".join(texts)
        finally:
            result.close()


def outcome(run: Run, answer: Any) -> Outcome:
    """What the report of a run's end says of what its model returned or raised; None if it stopped because it was told to."""
    try:
        return told_of(run, answer)
    except Exception as error:  # Such as an exception without a text, or one of another type than it has to have: the ticket ends.
        log.warning("Ticket %s: what the model %s raised cannot be read", run.ticket["ticket_id"], run.model.name, exc_info=error)
        return failed("model_error", f"The model failed with {type(answer).__name__}, which cannot be read")


def told_of(run: Run, answer: Any) -> Outcome:
    if run.stop_type is not None and (answer is None or isinstance(answer, (Cancelled, Exception))):
        return None
    if not isinstance(answer, BaseException):
        return finished(answer)
    if isinstance(answer, Cancelled):
        return failed("model_error", "The model was cancelled by itself")
    log.warning("Ticket %s: the model %s failed", run.ticket["ticket_id"], run.model.name, exc_info=answer)
    if not isinstance(answer, Exception):
        return failed("model_error", f"{type(answer).__name__}: {answer}")
    if not isinstance(answer, ModelError):
        return failed("model_error", str(answer) or type(answer).__name__)
    failure = failed(answer.error_type, str(answer), answer.final)
    if answer.retry_after is not None and answer.retry_after > 0:
        failure["retry_after_milliseconds"] = int(min(answer.retry_after, 1e9) * 1000)
    return failure


def finished(answer: Any) -> Dict[str, Any]:
    response, details = (answer.response, answer.details) if isinstance(answer, Answer) else (answer, None)
    if response is None:
        return failed("model_error", "The model answered nothing", is_final=True)
    try:
        response, details = clean(response), clean(dict(details), MAX_DETAILS_DEPTH) if details is not None else None
        text = response if isinstance(response, str) else to_json(response)
        details_length = len(to_json(details)) if details is not None else 0
    except (TypeError, ValueError, RecursionError) as error:
        return failed("model_error", f"The answer is no JSON: {error}", is_final=True)
    if is_longer(text, MAX_RESPONSE):
        return failed("model_error", f"The response has more than {MAX_RESPONSE} characters", is_final=True)
    told = {"type": "finished", "response": response}
    if details is not None and details_length <= MAX_DETAILS:
        told["details"] = details
    return told


current_call: ContextVar[Optional[Call]] = ContextVar("ticketapp_call", default=None)
