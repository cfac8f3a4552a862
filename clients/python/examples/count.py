"""A model that is quicker with several tickets at a time. Its tickets choose it as "count"."""

import time

from ticketapp_worker import Answer, ModelError, model, run

kinds = {}


def load():
    """Stands for what takes a while, such as reading weights. Tickets wait until it has returned."""
    kinds.update((letter, "vowel" if letter in "aeiou" else "consonant") for letter in "abcdefghijklmnopqrstuvwxyz")


@model("count", description="Counts vowels and consonants, of many texts at once", batch=32, input_required=True, warm_up=load)
def count(inputs, progress):
    time.sleep(0.1)
    return [count_one(text, len(inputs)) if isinstance(text, str) else ModelError("The input is no text", final=True) for text in inputs]


def count_one(text, size):
    found = [kinds.get(letter) for letter in text.lower()]
    return Answer({kind: found.count(kind) for kind in ("vowel", "consonant")}, {"batch": size})


if __name__ == "__main__":
    run()
