"""Without a broker: what the worker makes of messages, models and settings. The conformance suite has the rest."""

import json
import logging
import os
import time
import unittest
from datetime import timedelta
from unittest import mock

import ticketapp_worker
from ticketapp_worker import Answer, Cancelled, ModelError, _messages, _runs, _worker, cancelled

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
    run.started = time.monotonic()
    return run


def nested(levels):
    value = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def outcome(predict, value=None):
    return run_of(predict, value).outcome()


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


class Streams(unittest.TestCase):
    def test_texts_are_progress_and_together_the_answer(self):
        def predict(input, progress):
            yield "a "
            yield 0.5
            yield "b"

        run = run_of(predict)
        self.assertEqual(run.outcome()["response"], "a b")
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
        self.assertIsNone(run.outcome())

    def test_a_generator_is_closed(self):
        closed = []

        def predict(input, progress):
            try:
                run.stop("returned")
                yield "a"
            finally:
                closed.append(True)

        run = run_of(predict)
        self.assertIsNone(run.outcome())
        self.assertEqual(closed, [True])

    def test_an_answer_counts_after_a_stop_and_a_failure_does_not(self):
        def answer(input, progress):
            run.stop("execution_timeout")
            return "a"

        def fail(input, progress):
            run.stop("returned")
            raise ValueError

        run = run_of(answer)
        self.assertEqual(run.outcome()["type"], "finished")
        run = run_of(fail)
        self.assertIsNone(run.outcome())

    def test_outside_of_a_run_nothing_is_cancelled(self):
        self.assertFalse(cancelled())

    def test_cancelled_is_no_ordinary_exception(self):
        self.assertFalse(issubclass(Cancelled, Exception))

    def test_the_shorter_time_counts(self):
        self.assertEqual(run_of(None, execution_timeout_seconds=5).limit, 5)
        self.assertEqual(run_of(None, execution_timeout_seconds=5000).limit, 420)
        self.assertEqual(run_of(None).limit, 420)


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
            self.assertEqual(served.offer(), {
                "name": "shout", "description": "d", "input_required": True, "max_input_characters": 4, "largest_batch": 1, "slots": 3})
            self.assertIsNone(served.defect("abcd"))
            for refused in (None, "", "abcde", "😀😀x", {"a": 1}):
                with self.subTest(refused):
                    self.assertTrue(served.defect(refused))

    def test_the_original_model_has_the_original_queue(self):
        self.assertEqual(_runs.Model("simulated", None, "d", 1, False, 1).queue, "tickets")

    def test_what_is_no_model_is_refused(self):
        async def coroutine(input, progress):
            return input

        with self.assertRaises(TypeError):
            ticketapp_worker.model("m", description="d")(coroutine)
        for name, slots in (("Shout", 1), ("", 1), ("m", 0)):
            with self.subTest(name), self.assertRaises(ValueError):
                ticketapp_worker.model(name, description="d", slots=slots)


class Settings(unittest.TestCase):
    def test_times_are_written_as_in_the_other_workers(self):
        for text, seconds in (("00:00:05", 5), ("01:02:03.5", 3723.5), ("1.00:00:00", 86_400)):
            with mock.patch.dict(os.environ, {"Worker__DrainTimeout": text}):
                self.assertEqual(_worker.seconds("Worker__DrainTimeout", 1), seconds)
        with mock.patch.dict(os.environ, {"Worker__DrainTimeout": "5"}), self.assertRaises(SystemExit):
            _worker.seconds("Worker__DrainTimeout", 1)
        self.assertEqual(_worker.seconds("Worker__Unheard", 1), 1)

    def test_an_address_names_one_host_or_several(self):
        (host,) = _worker.hosts_of("amqp://u%40x:p%2Fw@broker/v%2Fhost")
        self.assertEqual(
            (host.host, host.port, host.virtual_host, host.credentials.username, host.credentials.password, host.ssl_options),
            ("broker", 5672, "v/host", "u@x", "p/w", None))
        hosts = _worker.hosts_of("amqp://u:p@a:1,b:2/")
        self.assertEqual([(host.host, host.port, host.virtual_host) for host in hosts], [("a", 1, "/"), ("b", 2, "/")])

    def test_tls_verifies_the_host(self):
        (host,) = _worker.hosts_of("amqps://u:p@broker")
        self.assertEqual((host.port, host.ssl_options.server_hostname), (5671, "broker"))
        self.assertTrue(host.ssl_options.context.check_hostname)

    def test_what_is_no_address_is_refused(self):
        with self.assertRaises(SystemExit):
            _worker.hosts_of("http://broker")


if __name__ == "__main__":
    unittest.main()
