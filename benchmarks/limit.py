"""The in-process limit: calls the service's decoding, batching and engine directly, without HTTP.

Prints one line of JSON when it is warm, then one for each line `CONNECTIONS SECONDS` on stdin.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import numpy as np

from my_inference_app.inference.answers import Result
from my_inference_app.inference.classifier import Classifier
from my_inference_app.inference.registry import load
from my_inference_app.settings import Settings


def main() -> None:
    image = Path(sys.argv[1]).read_bytes()
    classifier = load(Settings.from_env()).find()
    outcome = classifier.classify([image], time.monotonic() + 60).outcomes[0]
    # The best five, as a service answers: with random weights the best two are close together.
    labels = [each.label for each in outcome.top(5)] if isinstance(outcome, Result) else []
    print(json.dumps({"labels": labels}), flush=True)
    for line in sys.stdin:
        connections, seconds = line.split()
        print(json.dumps(drive(classifier, image, int(connections), float(seconds))), flush=True)


def drive(classifier: Classifier, image: bytes, connections: int, seconds: float) -> dict[str, float]:
    """Each connection is a thread that sends the next request when it has its response.

    As with wrk, only responses within the time count.
    """
    latencies: list[float] = []
    end = time.monotonic() + seconds

    def ask() -> None:
        while (started := time.monotonic()) < end:
            classifier.classify([image], started + 60)
            if (finished := time.monotonic()) < end:
                latencies.append((finished - started) * 1000)

    threads = [threading.Thread(target=ask) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    p50, p99 = np.percentile(latencies, [50, 99])
    return {"requests": len(latencies), "seconds": seconds, "refused": 0, "failed": 0, "p50": p50, "p99": p99}


if __name__ == "__main__":
    main()
