"""What our Python client makes of the server's answers: each named result is a line of JSON."""

import json
import sys
import time

from softgate_client import Softgate, SoftgateError

asked = json.load(sys.stdin)
waits: list[float] = []
time.sleep = waits.append  # Nothing here waits for real.


def tell(name: str, value: object) -> None:
    print(json.dumps({"name": name, "value": value}))


with Softgate(asked["url"], asked["key"]) as softgate:
    tell("classify", softgate.classify("router", "hello", top_k=1)["predictions"])
    tell("pairs", len(softgate.classify("router", [{"text": "a", "textPair": "b"}])["predictions"]))
    batch = softgate.classify_batch(
        [{"adapterId": "router", "inputs": ["a"]}, {"adapterId": "missing", "inputs": ["a"]}]
    )
    tell("batch", [result.get("version", result.get("error", {}).get("code")) for result in batch])
    lines = ({"id": index, "text": " " if index == 300 else "a"} for index in range(600))
    answers = list(softgate.classify_lines(lines, adapter_id="router", top_k=1))
    tell("lines", [len(answers), answers[300].get("line"), answers[599]["id"]])
    tell("adapters", [adapter["name"] for adapter in softgate.list_adapters()])
    dataset = softgate.upload_dataset(asked["csv"].encode(), "tickets.csv")
    tell("dataset", dataset["rows"])
    job = softgate.train_adapter("tickets", dataset["id"])
    tell("job", softgate.get_job(job)["adapterName"])
    tell("retriable", [found["id"] for found in softgate.list_jobs(state="failed") if "retriable" in found])
    tell("redriven", softgate.retry_job("job-1")["state"])
    given = softgate.give_feedback("router", "a", "yes")
    kept = [record["label"] for record in softgate.list_feedback("router")]
    softgate.remove_feedback("router", given["id"])
    tell("feedback", [kept, list(softgate.list_feedback("router"))])
    try:
        softgate.retrain_adapter("router")
    except SoftgateError as error:
        tell("retrain", error.status)
    softgate.set_shadow("router", "production", 0.5)
    tell("shadow", softgate.get_shadow("router")["shadow"])
    try:
        softgate.classify("missing", "a")
    except SoftgateError as error:
        tell("error", [error.status, error.code, error.request_id is not None])
    # The server refuses the next two requests.
    softgate.request("POST", "/spoil", json={})
    waits.clear()
    tell("retried", softgate.classify("router", "hello")["version"])
    tell("waits", waits)
    tell("events", list(softgate.follow_job("spoilt")))
