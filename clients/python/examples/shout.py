"""A model that says it louder, word by word. Its tickets choose it as "shout"."""

import time

from ticketapp_worker import model, run


@model("shout", description="Answers the input in capitals, word by word", slots=4, input_required=True, input_schema={"type": "string"})
def shout(input, progress):
    for word in input.split():
        time.sleep(0.05)
        yield word.upper() + " "


if __name__ == "__main__":
    run()
