"""A plain Lambda handler that does what a script says, and writes down what it was given.

The script is JSON in the environment variable `SCRIPT`:

- `log`: a file that gets a line for each invocation: the numbers of its records.
- `returns`: what is returned each time.
- `fails`: for the number of a record, how often it fails; -1 for ever.
- `by`: how it fails: a `response` that names the first failed record, one that names `all` of them, by `raising`, or by
  `hanging`.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any


def lambda_handler(event: dict[str, Any], context: object) -> Any:
    script = json.loads(os.environ["SCRIPT"])
    log = Path(script["log"])
    earlier = Counter(
        number
        for line in (log.read_text() if log.exists() else "").splitlines()
        for number in json.loads(line)
    )
    numbers = [int(record["dynamodb"]["Keys"]["Id"]["S"]) for record in event["Records"]]
    with log.open("a") as file:
        file.write(f"{json.dumps(numbers)}\n")
    if "returns" in script:
        return script["returns"]
    fails = {int(number): times for number, times in script.get("fails", {}).items()}
    failed = [
        record["dynamodb"]["SequenceNumber"]
        for record, number in zip(event["Records"], numbers, strict=True)
        if fails.get(number, 0) < 0 or earlier[number] < fails.get(number, 0)
    ]
    by = script.get("by", "response")
    if failed and by == "raising":
        raise ValueError("as the script says")
    if failed and by == "hanging":
        time.sleep(3600)
    named = failed[:1] if by == "response" else failed
    state = {"state": {"count": event["state"].get("count", 0) + len(numbers)}} if "state" in event else {}
    return {"batchItemFailures": [{"itemIdentifier": number} for number in named], **state}
