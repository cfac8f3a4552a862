"""Models, and their runs."""

from __future__ import annotations

import inspect
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

from ._messages import MAX_DETAILS, MAX_DETAILS_DEPTH, MAX_RESPONSE, Key, clean, failed, is_longer, to_json, run_key

if TYPE_CHECKING:
    from ._worker import Message

log = logging.getLogger("ticketapp_worker")


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
    predict: Callable[[Any, Progress], Any]
    description: str
    slots: int
    input_required: bool
    max_input_characters: int
    running: int = 0
    waiting: Deque["Run"] = field(default_factory=deque)
    channel: Any = None
    pause: float = 0.25

    @property
    def queue(self) -> str:
        return "tickets" if self.name == "simulated" else f"tickets.{self.name}"

    def offer(self) -> Dict[str, Any]:
        return {
            "name": self.name,
            "description": self.description,
            "input_required": self.input_required,
            "max_input_characters": self.max_input_characters,
            "largest_batch": 1,
            "slots": self.slots,
        }

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
) -> Callable[[F], F]:
    """Makes a function the model of that name: ``predict(input, progress)``, which is called in a thread of its own for each ticket.

    ``input`` is any JSON value; None without one. The answer is what is returned: a text, any other JSON value, or an
    :class:`Answer`. A generator streams: the texts that it yields are progress and, unless it returns something, together the
    answer; a number that it yields is the fraction done. An exception fails the attempt; :class:`ModelError` says more.

    :param name: the word by which tickets choose it: up to 50 lower-case letters, digits and hyphens.
    :param description: one sentence for people.
    :param slots: how many tickets at once, each in a thread.
    :param input_required: whether it cannot run without input.
    :param max_input_characters: the longest input, in UTF-16 characters.
    """
    if not re.fullmatch("[a-z0-9][a-z0-9-]{0,49}", name):
        raise ValueError(f"{name!r} is no name of a model: up to 50 lower-case letters, digits and hyphens")
    if slots < 1 or not description:
        raise ValueError("a model has a description, and at least one slot")

    def add(predict: F) -> F:
        if inspect.iscoroutinefunction(predict) or inspect.isasyncgenfunction(predict):
            raise TypeError("a model is a function or a generator, not a coroutine: it has a thread of its own and may block")
        models[name] = Model(name, predict, description, slots, input_required, max_input_characters)
        return predict

    return add


def cancelled() -> bool:
    """Whether the run of this thread is told to stop. A model that continues for three more seconds is left to itself."""
    current = current_run.get()
    return current is not None and current.stop_type is not None


class Run:
    """A ticket in progress, from its delivery until its end is with the broker."""

    def __init__(self, ticket: Dict[str, Any], served: Model, message: Message, limit: float) -> None:
        self.ticket, self.model, self.message = ticket, served, message
        own = ticket.get("execution_timeout_seconds") or 0
        self.limit = min(own, limit) if own > 0 else limit
        self.delivered = time.monotonic()
        self.started: Optional[float] = None
        self.stop_type: Optional[str] = None
        self.stopped = 0.0
        self.is_reported = self.has_ended = self.is_stuck = False
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

    def stop(self, stop_type: str) -> None:
        if self.stop_type is None:
            self.stop_type, self.stopped = stop_type, time.monotonic()

    def progress(self, fraction: Optional[float] = None, text: Optional[str] = None) -> None:
        """Gathers what the model says; see :class:`Progress`."""
        if self.stop_type is not None:
            raise Cancelled
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

    def outcome(self) -> Optional[Dict[str, Any]]:
        """Runs the model, in the calling thread.

        :returns: what the report of its end says; None if it stopped because it was told to.
        """
        current = current_run.set(self)
        try:
            response = self._answer()
            if response is None and self.stop_type is not None:
                return None
            return self._finished(response)
        except Cancelled:
            return None if self.stop_type is not None else failed("model_error", "The model was cancelled by itself")
        except Exception as error:
            if self.stop_type is not None:
                return None
            log.warning("Ticket %s: the model %s failed", self.ticket["ticket_id"], self.model.name, exc_info=error)
            if not isinstance(error, ModelError):
                return failed("model_error", str(error) or type(error).__name__)
            failure = failed(error.error_type, str(error), error.final)
            if error.retry_after is not None and error.retry_after > 0:
                failure["retry_after_milliseconds"] = int(min(error.retry_after, 1e9) * 1000)
            return failure
        except BaseException as error:  # SystemExit ends the thread and not the process; the ticket has to end too.
            return failed("model_error", f"{type(error).__name__}: {error}")
        finally:
            current_run.reset(current)

    def _answer(self) -> Any:
        result = self.model.predict(self.ticket.get("input"), self.progress)
        if not inspect.isgenerator(result):
            return result
        texts = []
        try:
            while True:
                item = next(result)
                if isinstance(item, str):
                    texts.append(item)
                    self.progress(text=item)
                elif isinstance(item, (int, float)):
                    self.progress(item)
                else:
                    raise TypeError(f"A model yields texts and fractions, not {type(item).__name__}")
        except StopIteration as end:
            return end.value if end.value is not None or not texts else "".join(texts)
        finally:
            result.close()

    @staticmethod
    def _finished(answer: Any) -> Dict[str, Any]:
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
        finished = {"type": "finished", "response": response}
        if details is not None and details_length <= MAX_DETAILS:
            finished["details"] = details
        return finished


current_run: ContextVar[Optional[Run]] = ContextVar("ticketapp_run", default=None)
