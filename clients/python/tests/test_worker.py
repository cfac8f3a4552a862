"""Without a broker: what the worker makes of messages, models and settings. The conformance suite has the rest."""

import http.client
import importlib.util
import json
import logging
import os
import threading
import time
import unittest
import uuid
from datetime import timedelta
from unittest import mock

import ticketapp_worker
from ticketapp_worker import Answer, Cancelled, ModelError, _health, _messages, _runs, _settings, _tracing, _worker, cancelled

TICKET = {
    "ticket_id": "01a205c3-9b52-7722-9296-5d0b2d8ba128",
    "user_id": "01a205c3-9b52-7722-9296-5d0b2d8ba129",
    "model": "m",
    "attempt": 1,
    "epoch": 1,
    "deadline": "2030-01-01T00:00:00+00:00",
}

# What models throw is expected here.
logging.getLogger("ticketapp_worker").setLevel(logging.CRITICAL)


class Message:
    is_gone = False


def run_of(predict, value=None, **ticket):
    served = _runs.Model("m", predict, "d", 1, False, 10_000)
    run = _runs.Run({**TICKET, "input": value, **ticket}, served, Message(), 420)
    run.start()
    return run


def nested(levels):
    value = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def outcome_of(run):
    (told,) = _runs.Call([run]).outcomes()
    return told


def outcome(predict, value=None):
    return outcome_of(run_of(predict, value))


def batch_of(predict, *values):
    served = _runs.Model("m", predict, "d", 1, False, 10_000, batch=8)
    runs = [_runs.Run({**TICKET, "input": value}, served, Message(), 420) for value in values]
    for run in runs:
        run.start()
    return _runs.Call(runs)


class Answers(unittest.TestCase):
    def test_a_text_is_the_answer(self):
        self.assertEqual(outcome(lambda input, progress: input + "!", "a"), {"type": "finished", "response": "a!"})

    def test_any_json_is_an_answer_and_an_input(self):
        for value in ({"a": [1, None]}, [1.5], 0, False, ""):
            with self.subTest(value):
                self.assertEqual(outcome(lambda input, progress: input, value)["response"], value)

    def test_an_answer_has_details(self):
        told = outcome(lambda input, progress: Answer("a", {"p": 0.5}))
        self.assertEqual(told, {"type": "finished", "response": "a", "details": {"p": 0.5}})

    def test_details_that_are_too_long_are_dropped(self):
        self.assertNotIn("details", outcome(lambda input, progress: Answer("a", {"p": "x" * 10_001})))

    def test_what_no_database_stores_and_halves_of_characters_are_replaced(self):
        told = outcome(lambda input, progress: ["a\0b", {"\ud83d\ude00": "\ud83d"}])
        self.assertEqual(told["response"], ["a\ufffdb", {"😀": "\ufffd"}])

    def test_no_answer_is_a_failure(self):
        self.assertEqual(outcome(lambda input, progress: None)["type"], "failed")

    def test_what_is_no_json_or_too_long_fails_for_good(self):
        for answer in (object(), nested(65), Answer("a", nested(61)), float("nan"), {"a": {1, 2}}, "x" * 1_000_001, ["😀" * 500_000]):
            with self.subTest(str(answer)[:20]):
                told = outcome(lambda input, progress: answer)
                self.assertEqual((told["type"], told["is_final"]), ("failed", True))

    def test_what_is_nested_as_deep_as_the_api_reads_is_an_answer(self):
        self.assertEqual(outcome(lambda input, progress: Answer(nested(64), nested(60)))["type"], "finished")

    def test_a_text_of_the_greatest_length_is_an_answer(self):
        self.assertEqual(outcome(lambda input, progress: "x" * 1_000_000)["type"], "finished")


class Failures(unittest.TestCase):
    def test_an_exception_is_a_model_error(self):
        told = outcome(lambda input, progress: 1 / 0)
        self.assertEqual(told, {"type": "failed", "error_type": "model_error", "error_message": "division by zero"})

    def test_a_model_error_says_more(self):
        def predict(input, progress):
            raise ModelError("busy", error_type="overloaded", final=True, retry_after=timedelta(seconds=1.5))

        self.assertEqual(outcome(predict), {
            "type": "failed", "error_type": "overloaded", "error_message": "busy", "is_final": True, "retry_after_milliseconds": 1500})

    def test_a_model_cannot_end_the_process(self):
        def predict(input, progress):
            raise SystemExit(1)

        self.assertEqual(outcome(predict)["type"], "failed")


    def test_what_is_raised_ends_the_ticket_whatever_it_is(self):
        class Unreadable(Exception):
            def __str__(self):
                raise ValueError

        class Unmade(ModelError):
            def __init__(self):
                pass

        raised = (Unreadable(), Unmade(), ModelError("a", error_type=None), ModelError("a", retry_after="5"))
        for error in raised:
            with self.subTest(type(error).__name__):
                (told,) = batch_of(lambda inputs, progress: [error], "a").outcomes()
                self.assertEqual((told["type"], told["error_type"]), ("failed", "model_error"))
                self.assertIn(type(error).__name__, told["error_message"])


class Streams(unittest.TestCase):
    def test_texts_are_progress_and_together_the_answer(self):
        def predict(input, progress):
            yield "a "
            yield 0.5
            yield "b"

        run = run_of(predict)
        self.assertEqual(outcome_of(run)["response"], "a b")
        self.assertEqual(run.take_progress(), {"sequence": 1, "fraction": 0.5, "text": "a b"})
        self.assertIsNone(run.take_progress())

    def test_what_a_generator_returns_is_the_answer(self):
        def predict(input, progress):
            yield "draft"
            return "final"

        self.assertEqual(outcome(predict)["response"], "final")

    def test_a_generator_that_yields_anything_else_fails(self):
        def predict(input, progress):
            yield object()

        self.assertEqual(outcome(predict)["type"], "failed")

    def test_progress_is_clamped_and_bounded(self):
        run = run_of(None)
        for fraction in (float("nan"), 7):
            run.progress(fraction)
        run.progress(text="x" * 500_000)
        run.progress(text="more than is kept")
        told = run.take_progress()
        self.assertEqual((told["fraction"], len(told["text"])), (1.0, 500_000))

    def test_progress_that_is_no_text_fails_the_run_and_not_the_worker(self):
        for text in (b"a", ["a"], 1):
            run = run_of(lambda input, progress: progress(0.5, text))
            with self.subTest(text):
                self.assertEqual(outcome_of(run)["type"], "failed")
                self.assertIsNone(run.take_progress())

    def test_the_older_a_run_the_seldomer_it_tells(self):
        run = run_of(None)
        run.progress(0.1)
        run.take_progress()
        run.delivered -= 10_000
        run.progress(0.2)
        self.assertIsNone(run.take_progress())


class Stops(unittest.TestCase):
    def test_progress_ends_a_run_that_is_told_to_stop(self):
        def predict(input, progress):
            self.assertFalse(cancelled())
            run.stop("returned")
            self.assertTrue(cancelled())
            progress(0.5)

        run = run_of(predict)
        self.assertIsNone(outcome_of(run))

    def test_a_generator_is_closed(self):
        closed = []

        def predict(input, progress):
            try:
                run.stop("returned")
                yield "a"
            finally:
                closed.append(True)

        run = run_of(predict)
        self.assertIsNone(outcome_of(run))
        self.assertEqual(closed, [True])

    def test_an_answer_counts_after_a_stop_and_a_failure_does_not(self):
        def answer(input, progress):
            run.stop("execution_timeout")
            return "a"

        def fail(input, progress):
            run.stop("returned")
            raise ValueError

        run = run_of(answer)
        self.assertEqual(outcome_of(run)["type"], "finished")
        run = run_of(fail)
        self.assertIsNone(outcome_of(run))

    def test_outside_of_a_run_nothing_is_cancelled(self):
        self.assertFalse(cancelled())

    def test_cancelled_is_no_ordinary_exception(self):
        self.assertFalse(issubclass(Cancelled, Exception))

    def test_the_shorter_time_counts(self):
        self.assertEqual(run_of(None, execution_timeout_seconds=5).limit, 5)
        self.assertEqual(run_of(None, execution_timeout_seconds=5000).limit, 420)
        self.assertEqual(run_of(None).limit, 420)


class Batches(unittest.TestCase):
    def test_a_list_of_inputs_has_a_list_of_answers_in_its_order(self):
        def predict(inputs, progress):
            self.assertEqual(inputs, ["a", {"b": 1}, None])
            return ["A", Answer("B", {"p": 1}), ModelError("no", final=True)]

        a, b, c = batch_of(predict, "a", {"b": 1}, None).outcomes()
        self.assertEqual((a["response"], b["details"]), ("A", {"p": 1}))
        self.assertEqual((c["type"], c["error_message"], c["is_final"]), ("failed", "no", True))

    def test_a_call_that_fails_is_made_again_for_each_by_itself(self):
        for fault in (ValueError("poisoned"), None, ["one"], "ab", SystemExit(1)):
            with self.subTest(fault):
                sizes = []

                def predict(inputs, progress):
                    sizes.append(len(inputs))
                    if len(inputs) > 1 or inputs == ["bad"]:
                        if isinstance(fault, BaseException):
                            raise fault
                        return fault
                    return [f"{inputs[0]}!"]

                good, bad = batch_of(predict, "good", "bad").outcomes()
                self.assertEqual((good, sizes), ({"type": "finished", "response": "good!"}, [2, 1, 1]))
                self.assertEqual(bad["type"], "finished" if fault == ["one"] else "failed")

    def test_each_has_its_own_progress(self):
        def predict(inputs, progress):
            progress[1](0.5, "half")
            return inputs

        call = batch_of(predict, "a", "b")
        call.outcomes()
        self.assertEqual(
            [run.take_progress() for run in call.runs], [None, {"sequence": 1, "fraction": 0.5, "text": "half"}])

    def test_one_that_is_told_to_stop_does_not_stop_the_others(self):
        def predict(inputs, progress):
            call.runs[0].stop("returned")
            progress[0](0.5)
            self.assertFalse(cancelled())
            call.runs[1].stop("execution_timeout")
            self.assertTrue(cancelled())
            progress[1](0.5)

        call = batch_of(predict, "a", "b")
        self.assertEqual(call.outcomes(), [None, None])

    def test_after_a_failure_one_that_was_told_to_stop_is_not_called_again(self):
        asked = []

        def predict(inputs, progress):
            asked.append(inputs)
            call.runs[0].stop("returned")
            if len(inputs) > 1:
                raise ValueError
            return inputs

        call = batch_of(predict, "a", "b")
        self.assertEqual(call.outcomes(), [None, {"type": "finished", "response": "b"}])
        self.assertEqual(asked, [["a", "b"], ["b"]])


class Channel:
    is_open = True

    def __init__(self):
        self.acknowledged = []

    def basic_ack(self, tag):
        self.acknowledged.append(tag)


class Workers(unittest.TestCase):
    """A worker that is connected to nothing: what it would report stays with it."""

    def start(self, **settings):
        self.free = threading.Event()
        self.addCleanup(self.free.set)
        self.sizes = []

        def predict(inputs, progress):
            self.sizes.append(len(inputs))
            self.free.wait(10)
            return ["done"] * len(inputs)

        self.model = _runs.Model("m", predict, "d", 1, False, 10_000, batch=8, **settings)
        self.worker = _worker.Worker([self.model], "amqp://nowhere")
        self.addCleanup(self.worker._loop.close)
        self.channel = Channel()

    def deliver(self, tag, *tickets):
        method = mock.Mock(delivery_tag=tag, redelivered=False)
        body = json.dumps([{**TICKET, "ticket_id": str(uuid.UUID(int=ticket))} for ticket in tickets]).encode()
        self.worker._on_message(self.model, self.channel, method, None, body)

    def until(self, is_so):
        """Runs the loop."""
        deadline = time.monotonic() + 10

        def look():
            if is_so() or time.monotonic() > deadline:
                self.worker._loop.stop()
            else:
                self.worker._loop.call_later(0.005, look)

        look()
        self.worker._loop.start()
        self.assertTrue(is_so())

    def reports(self):
        return [(entry.body["type"], uuid.UUID(entry.body["ticket_id"]).int) for entry in self.worker._outbox]

    def test_tickets_that_wait_share_a_call_and_each_ends_on_its_own(self):
        self.start()
        self.deliver(1, 1, 2)
        self.deliver(2, 3)
        self.until(lambda: self.sizes == [3])
        self.deliver(3, 4)
        notice = {"runs": [{"ticket_id": str(uuid.UUID(int=number)), "epoch": 1} for number in (2, 4)], "remember_seconds": 60}
        self.worker._on_notice(None, None, None, json.dumps(notice).encode())
        self.assertEqual(self.reports(), [("returned", 2), ("returned", 4)])

        self.free.set()
        # The one that waited and is not wanted is taken out when a call could begin.
        self.until(lambda: self.model.running == 0 and not self.model.waiting)
        self.assertEqual(self.reports()[2:], [("finished", 1), ("finished", 3)])
        self.assertEqual(self.sizes, [3])
        self.worker._in_flight = list(self.worker._outbox)
        self.worker._complete()
        self.assertEqual((self.channel.acknowledged, self.worker._runs), ([3, 1, 2], {}))

    def test_the_author_of_a_schema_that_is_not_used_is_told_once(self):
        self.start(input_schema={"$anchor": "x"})
        mine = {"model": "m", "input_schema_id": self.model.offer(False)["input_schema_id"], "reason": "$anchor is not supported"}
        notices = [
            {"runs": []},
            {"runs": [], "unused_schemas": None},
            {"runs": [], "unused_schemas": [{**mine, "model": "another"}, {**mine, "input_schema_id": "another"}]},
            {"runs": [], "unused_schemas": [mine]},
            {"runs": [], "unused_schemas": [mine]},
        ]
        with mock.patch.object(_worker.log, "warning") as warning:
            for notice in notices:
                self.worker._on_notice(None, None, None, json.dumps(notice).encode())
        self.assertEqual([call.args[1:] for call in warning.call_args_list], [("m", "$anchor is not supported")])

    def test_a_call_of_which_nothing_is_wanted_and_that_does_not_stop_loses_its_slot(self):
        self.start()
        self.deliver(1, 1, 2)
        self.until(lambda: self.sizes == [2])
        with mock.patch.multiple(_worker, STOP_GRACE=0.01, TICK=0.01):
            for run in list(self.worker._runs.values()):
                run.limit = 0.0
            self.deliver(2, 3)
            self.worker._tick()
            self.until(lambda: self.sizes == [2, 1])

        self.assertEqual(self.reports(), [("failed", 1), ("failed", 2)])
        self.assertEqual((self.worker._stuck, self.model.running), (1, 1))
        self.free.set()
        self.until(lambda: self.worker._stuck == 0 and self.model.running == 0)
        self.assertEqual(self.reports()[2:], [("finished", 3)])

    def test_a_model_is_offered_once_it_is_warm(self):
        calls = []

        def warm_up():
            calls.append(1)
            if len(calls) == 1:
                raise ValueError("no weights yet")

        self.start(warm_up=warm_up)
        self.worker._tick_heartbeat()
        with mock.patch.object(_worker, "WARM_UP_PAUSE", 0.01):
            threading.Thread(target=self.worker._warm_up, args=(self.model,), daemon=True).start()
            self.assertTrue(any("not ready" in defect for defect in self.worker._defects()))
            self.until(lambda: self.model.is_warm)
        self.worker._tick_heartbeat()

        self.assertEqual([len(entry.body["models"]) for entry in self.worker._outbox], [0, 1])
        self.assertEqual(len(calls), 2)
        self.assertFalse(any("not ready" in defect for defect in self.worker._defects()))


class Health(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = _health.HealthServer("127.0.0.1:0", lambda: cls.is_alive, lambda: cls.defects)
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)

    def setUp(self):
        Health.is_alive, Health.defects = True, []

    def ask(self, path, method="GET"):
        connection = http.client.HTTPConnection(*self.server.server_address, timeout=10)
        self.addCleanup(connection.close)
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def test_a_worker_that_works_is_healthy_and_alive(self):
        for path in ("/health", "/alive"):
            self.assertEqual(self.ask(path), (200, "Healthy"))
            self.assertEqual(self.ask(path, "HEAD"), (200, ""))

    def test_one_that_takes_no_tickets_says_why_and_is_alive(self):
        Health.defects = ["broker: there is no connection"]
        self.assertEqual(self.ask("/health"), (503, "Unhealthy\nbroker: there is no connection"))
        self.assertEqual(self.ask("/alive"), (200, "Healthy"))

    def test_one_that_hangs_is_not_alive(self):
        Health.is_alive = False
        self.assertEqual((self.ask("/alive")[0], self.ask("/health")[0]), (503, 503))

    def test_anything_else_is_refused(self):
        self.assertEqual((self.ask("/")[0], self.ask("/alive", "POST")[0]), (404, 501))
        for address in ("8080", ":8080", "host", "host:x", "host:70000", "127.0.0.1:-1", f"127.0.0.1:{self.server.server_address[1]}"):
            with self.subTest(address), self.assertRaises(SystemExit):
                _health.HealthServer(address, lambda: True, lambda: [])
        self.assertIsNone(_health.HealthServer.at("", lambda: True, lambda: []))


TRACE_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HAS_SDK = _tracing.trace is not None and importlib.util.find_spec("opentelemetry.sdk") is not None


class Traces(unittest.TestCase):
    def test_without_a_recorded_span_reports_carry_the_tickets_own_trace(self):
        for given in (TRACE_PARENT, None, "", "nonsense", TRACE_PARENT.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32)):
            with self.subTest(given):
                ticket = {**TICKET, "trace_parent": given}
                span = _tracing.start_span(ticket)
                self.assertEqual(_tracing.trace_parent_of(span, ticket), given)
                with _tracing.use_span(span):
                    _tracing.end_span(span, "model_error")

    @unittest.skipUnless(HAS_SDK, "needs opentelemetry-sdk, which Debian has no package of: pip install opentelemetry-sdk")
    def test_a_run_is_a_span_of_its_tickets_trace_and_the_parent_of_what_the_model_does(self):
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        with mock.patch.object(trace, "get_tracer", provider.get_tracer):
            def predict(input, progress):
                with trace.get_tracer("model").start_as_current_span("inner"):
                    raise ValueError("the words of a user")

            run = run_of(predict, "x", trace_parent=TRACE_PARENT)
            outcome_of(run)
            _tracing.end_span(run.span, "model_error")
            untraced = run_of(predict, "x")

        inner, span = exporter.get_finished_spans()
        self.assertIsNone(untraced.span)
        self.assertEqual((span.name, inner.name), ("run ticket", "inner"))
        self.assertEqual((span.context.trace_id, span.parent.span_id), (0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331))
        self.assertEqual(inner.parent.span_id, span.context.span_id)
        self.assertEqual(dict(span.attributes), {
            "ticketapp.ticket.id": TICKET["ticket_id"], "ticketapp.model": "m", "ticketapp.attempt": 1, "error.type": "model_error"})
        self.assertEqual(
            _tracing.trace_parent_of(run.span, run.ticket), f"00-0af7651916cd43dd8448eb211c80319c-{span.context.span_id:016x}-01")
        self.assertFalse(span.status.is_ok)
        self.assertEqual((span.status.description, list(span.events)), (None, []))


class Messages(unittest.TestCase):
    def test_one_ticket_or_many(self):
        self.assertEqual([TICKET], [ticket for ticket, _, _ in _messages.read_tickets(json.dumps(TICKET).encode())])
        self.assertEqual(2, len(_messages.read_tickets(json.dumps([TICKET, {**TICKET, "new": 1}]).encode())))
        self.assertEqual([], _messages.read_tickets(b" []"))

    def test_what_cannot_be_read_keeps_its_text(self):
        for body in (b"", b"{", b"\xff", b"null", b"[" * 100_000):
            with self.subTest(body[:10]):
                ((ticket, raw, defect),) = _messages.read_tickets(body)
                self.assertIsNone(ticket)
                self.assertEqual(raw, body)
                self.assertTrue(defect)

    def test_each_element_is_judged_by_itself(self):
        (good, _, _), (bad, raw, defect) = _messages.read_tickets(json.dumps([TICKET, {"a": 1}]).encode())
        self.assertEqual((good, bad, json.loads(raw)), (TICKET, None, {"a": 1}))
        self.assertIn("ticket_id", defect)

    def test_each_member_has_its_type(self):
        wrong = [
            ("ticket_id", "x"), ("ticket_id", 1), ("user_id", None), ("model", 1), ("attempt", "1"), ("attempt", True), ("epoch", 0),
            ("deadline", None), ("start_within_seconds", "1")]
        for name, value in wrong:
            with self.subTest(name=name, value=value):
                self.assertTrue(_messages.ticket_defect({**TICKET, name: value}))
        self.assertIsNone(_messages.ticket_defect({**TICKET, "start_within_seconds": None}))

    def test_an_unreadable_message_is_cut_and_may_be_no_text(self):
        told = _messages.unreadable("tickets", b"\xff" * (_messages.MAX_UNREADABLE + 1), "d")
        self.assertEqual(told["body_encoding"], "base64")
        self.assertIn("only the first", told["message"])


class Models(unittest.TestCase):
    def test_a_model_is_offered_with_its_limits(self):
        with mock.patch.dict(_runs.models, clear=True):
            @ticketapp_worker.model("shout", description="d", slots=3, input_required=True, max_input_characters=4)
            def shout(input, progress):
                return input

            served = _runs.models["shout"]
            self.assertEqual(served.queue, "tickets.shout")
            self.assertEqual(served.offer(with_schema=True), {
                "name": "shout", "description": "d", "input_required": True, "max_input_characters": 4, "largest_batch": 1, "slots": 3})
            served.kind = "chat"
            self.assertEqual(served.offer(with_schema=False)["kind"], "chat")
            self.assertIsNone(served.defect("abcd"))
            for refused in (None, "", "abcde", "😀😀x", {"a": 1}):
                with self.subTest(refused):
                    self.assertTrue(served.defect(refused))

    def test_a_schema_of_the_input_is_offered_now_and_then_and_its_id_always(self):
        schema = {"type": "object", "properties": {"n": {"enum": (1, 2)}}}
        with mock.patch.dict(_runs.models, clear=True):
            ticketapp_worker.model("m", description="d", input_schema=schema)(lambda input, progress: input)
            schema["type"] = "string"
            served = _runs.models["m"]

        offer = served.offer(with_schema=True)
        self.assertEqual(offer["input_schema"], {"type": "object", "properties": {"n": {"enum": [1, 2]}}})
        self.assertRegex(offer["input_schema_id"], "^[0-9a-f]{16}$")
        self.assertEqual(served.offer(with_schema=False), {name: offer[name] for name in offer if name != "input_schema"})

    def test_the_first_heartbeat_of_a_connection_has_the_schemas_and_then_one_a_minute(self):
        served = _runs.Model("m", None, "d", 1, False, 1, {"type": "string"}, is_warm=True)
        worker = _worker.Worker([served], "amqp://u:p@broker")
        self.addCleanup(worker._loop.close)
        sent = []
        with mock.patch.object(worker, "_send", sent.append), mock.patch.object(_worker.time, "monotonic") as now:
            for now.return_value in (100.0, 110.0, 159.0, 160.0, 170.0):
                worker._tick_heartbeat()
            worker._on_closed(None, Exception("gone"))
            now.return_value = 171.0
            worker._tick_heartbeat()

        has_schema = ["input_schema" in entry.body["models"][0] for entry in sent]
        self.assertEqual(has_schema, [True, False, False, True, False, True])
        self.assertTrue(all("input_schema_id" in entry.body["models"][0] for entry in sent))

    def test_what_is_no_schema_is_refused(self):
        deep = {}
        for _ in range(50):
            deep = {"items": deep}
        for schema, error in ((True, TypeError), ("{}", TypeError), ({"a": object()}, ValueError), ({"a": float("nan")}, ValueError),
                              (deep, ValueError), ({"description": "x" * 65_536}, ValueError)):
            with self.subTest(str(schema)[:20]), self.assertRaises(error):
                ticketapp_worker.model("m", description="d", input_schema=schema)

    def test_the_original_model_has_the_original_queue(self):
        self.assertEqual(_runs.Model("simulated", None, "d", 1, False, 1).queue, "tickets")

    def test_what_is_no_model_is_refused(self):
        async def coroutine(input, progress):
            return input

        with self.assertRaises(TypeError):
            ticketapp_worker.model("m", description="d")(coroutine)
        for name, slots, batch in (("Shout", 1, 1), ("", 1, 1), ("m", 0, 1), ("m", 1, 0)):
            with self.subTest(name), self.assertRaises(ValueError):
                ticketapp_worker.model(name, description="d", slots=slots, batch=batch)

        def generator(inputs, progress):
            yield inputs

        with self.assertRaises(TypeError):
            ticketapp_worker.model("m", description="d", batch=2)(generator)

    def test_what_no_api_would_read_is_refused(self):
        for unfit in ({"description": "x" * 2001}, {"description": "a\0"}, {"kind": ""}, {"kind": "x" * 51}, {"max_input_characters": -1},
                      {"max_input_characters": 2**31}, {"slots": 1001, "batch": 1000}):
            with self.subTest(str(unfit)[:40]), self.assertRaises(ValueError):
                ticketapp_worker.model("m", **{"description": "d", **unfit})

    def test_a_name_is_given_once(self):
        with mock.patch.dict(_runs.models, clear=True):
            ticketapp_worker.model("m", description="d")(lambda input, progress: input)
            with self.assertRaises(ValueError):
                ticketapp_worker.model("m", description="d")

    def test_a_model_of_batches_takes_as_many_tickets_as_its_calls_have(self):
        offer = _runs.Model("m", None, "d", 2, False, 1, batch=16).offer(with_schema=False)
        self.assertEqual((offer["slots"], offer["largest_batch"]), (32, 16))


class Settings(unittest.TestCase):
    def test_times_are_written_as_in_the_other_workers(self):
        for text, seconds in (("00:00:05", 5), ("01:02:03.5", 3723.5), ("1.00:00:00", 86_400)):
            with mock.patch.dict(os.environ, {"Worker__DrainTimeout": text}):
                self.assertEqual(_settings.seconds("Worker__DrainTimeout", 1), seconds)
        with mock.patch.dict(os.environ, {"Worker__DrainTimeout": "5"}), self.assertRaises(SystemExit):
            _settings.seconds("Worker__DrainTimeout", 1)
        self.assertEqual(_settings.seconds("Worker__Unheard", 1), 1)

    def test_a_number_that_cannot_be_is_named_with_its_setting(self):
        served = _runs.Model("m", None, "d", 3, False, 1)
        for name, text in (("Worker__Concurrency", "0"), ("Worker__Slots__m", "-1"), ("Worker__Slots__m", "65536"),
                           ("Worker__MaxStuckRuns", "many")):
            with self.subTest(name), mock.patch.dict(os.environ, {name: text}), self.assertRaisesRegex(SystemExit, name):
                _worker.Worker([served], "amqp://u:p@broker")
        for settings, slots in (({"Worker__Concurrency": "5"}, 5), ({"Worker__Concurrency": "5", "Worker__Slots__m": "7"}, 7)):
            with mock.patch.dict(os.environ, settings):
                self.addCleanup(_worker.Worker([served], "amqp://u:p@broker")._loop.close)
            self.assertEqual(served.slots, slots)

    def test_an_address_names_one_host_or_several(self):
        (host,) = _settings.hosts_of("amqp://u%40x:p%2Fw@broker/v%2Fhost")
        self.assertEqual(
            (host.host, host.port, host.virtual_host, host.credentials.username, host.credentials.password, host.ssl_options),
            ("broker", 5672, "v/host", "u@x", "p/w", None))
        hosts = _settings.hosts_of("amqp://u:p@a:1,b:2/")
        self.assertEqual([(host.host, host.port, host.virtual_host) for host in hosts], [("a", 1, "/"), ("b", 2, "/")])

    def test_tls_verifies_the_host(self):
        (host,) = _settings.hosts_of("amqps://u:p@broker")
        self.assertEqual((host.port, host.ssl_options.server_hostname), (5671, "broker"))
        self.assertTrue(host.ssl_options.context.check_hostname)

    def test_what_is_no_address_is_refused(self):
        with self.assertRaises(SystemExit):
            _settings.hosts_of("http://broker")


if __name__ == "__main__":
    unittest.main()
