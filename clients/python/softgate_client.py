"""Softgate's HTTP API in Python: one file, on httpx. The TypeScript client beside it does the same; docs/how-to/clients.md.

    softgate = Softgate("http://localhost:8080", key)
    softgate.classify("tickets", ["I was charged twice"])["predictions"][0]["label"]
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import random
import re
import time
import uuid
from collections.abc import Iterable, Iterator
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, BinaryIO
from urllib.parse import quote

import httpx

RETRIES_DEFAULT = 4
TIMEOUT_S_DEFAULT = 60.0
#: A Retry-After of more is not waited for.
WAIT_S_MAX_DEFAULT = 60.0
WAIT_S_MIN = 0.25
LINES_PER_REQUEST = 256
RECONNECT_S = 1.0

#: What servers take in a request, unless they have little memory: those say so.
REQUEST_BYTES_MAX = 64 * 1024 * 1024
#: Of a request with a file, or of one that has the server read one.
UPLOAD_S_MAX = 15 * 60.0
#: However small a file is; beyond, a line may be so slow.
UPLOAD_S_MIN = 60.0
BYTES_PER_SECOND_MIN = 64 * 1024
#: A server reads one large file of a tenant at a time: so often it is asked for the turn.
TURNS_MAX = 100
TURN_S = 5.0
PIECE_BYTES = 1024 * 1024

#: With it a server did nothing.
REFUSED = 429
#: With Retry-After: an attempt before, whose answer did not come, is still being done.
CONFLICT = 409
TOO_LARGE = 413
#: Of a store: what was to be sent is there.
IS_THERE = 412
#: 503 too: it is also what a server answers whose store was lost to it in the middle of a change.
PASSING = (500, 502, 503, 504)
FINISHED = ("succeeded", "failed", "cancelled")


class SoftgateError(Exception):
    """What the server said is wrong: its problem document (RFC 9457)."""

    def __init__(self, told: dict[str, Any]):
        super().__init__(f"{told['code']}: {told['detail']}")
        self.status: int = told["status"]
        #: Stays what it is; docs/errors.md says what each means.
        self.code: str = told["code"]
        self.detail: str = told["detail"]
        #: In the server's log.
        self.request_id: str | None = told.get("requestId")
        self.retry_after_seconds: float | None = told.get("retryAfterSeconds")
        #: Which fields or rows are to blame.
        self.errors: list[dict[str, Any]] = told.get("errors", [])


class Softgate:
    """Every method raises SoftgateError, or what httpx raises. Not for several threads at once."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout_s: float = TIMEOUT_S_DEFAULT,
        retries_max: int = RETRIES_DEFAULT,
        wait_s_max: float = WAIT_S_MAX_DEFAULT,
        transport: httpx.BaseTransport | None = None,
    ):
        self._retries_max = retries_max
        self._wait_s_max = wait_s_max
        self._timeout_s = timeout_s
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s, transport=transport)

    def __enter__(self) -> Softgate:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def classify(self, adapter_id: str, inputs: str | list[Any], top_k: int | None = None) -> dict[str, Any]:
        """Up to 256 texts, or pairs as {"text", "textPair"}."""
        body = {"adapterId": adapter_id, "inputs": inputs, **({} if top_k is None else {"topK": top_k})}
        return self._send("POST", "/v1/classify", json=body).json()

    def classify_batch(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Up to 1,000 texts of any adapters; a result, or an "error", for each request."""
        return self._send("POST", "/v1/classify", json={"requests": requests}).json()["results"]

    def classify_lines(
        self, lines: Iterable[dict[str, Any]], adapter_id: str | None = None, top_k: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """Any number of lines, read as their answers are taken; an answer, or an "error", for each, in order."""
        query = {name: value for name, value in (("adapterId", adapter_id), ("topK", top_k)) if value is not None}
        left, first_line = iter(lines), 1
        while group := list(islice(left, LINES_PER_REQUEST)):
            for answer in self._answers(group, query):
                # The server counts the lines of its request.
                yield {**answer, "line": answer["line"] + first_line - 1} if "line" in answer else answer
            first_line += len(group)

    def upload_dataset(self, file: Any, file_name: str | None = None, **columns: str) -> dict[str, Any]:
        """A path, bytes, or a file that is open for reading. Columns: textColumn, textPairColumn, labelColumn.

        What is too large for a request goes straight into the server's store, which is S3 then; a path's file is never whole in memory.
        """
        if isinstance(file, (str, os.PathLike)):
            with open(file, "rb") as opened:
                return self._upload(opened, file_name or os.path.basename(file), columns)
        if file_name is None:
            raise ValueError("name the file: its ending says what it is")
        content = file if isinstance(file, bytes) else file.read()
        return self._upload(io.BytesIO(content), file_name, columns)

    def train_adapter(self, name: str, dataset_id: str, options: dict[str, Any] | None = None) -> str:
        """The job's id."""
        body = {"name": name, "datasetId": dataset_id, "options": options or {}}
        return self._send("POST", "/v1/adapters", json=body, headers=_key()).json()["jobId"]

    def get_job(self, job_id: str) -> dict[str, Any]:
        return self._send("GET", f"/v1/jobs/{quote(job_id, safe='')}").json()

    def list_jobs(self, **query: str) -> Iterator[dict[str, Any]]:
        """The newest first, page by page, as they are taken. Query: adapter, state."""
        return self._pages("/v1/jobs", "jobs", query)

    def retry_job(self, job_id: str) -> dict[str, Any]:
        """Of a dead letter, which says that it is retriable: in line again, as a new job would be."""
        return self._send("POST", f"/v1/jobs/{quote(job_id, safe='')}/retry", headers=_key()).json()

    def follow_job(self, job_id: str, after: int = 0) -> Iterator[dict[str, Any]]:
        """What happens to a job, {"seq", "type", "data"}, to its last event; a broken connection is resumed without a gap."""
        seq, failures, is_finished = after, 0, False
        while True:
            try:
                for message in self._messages(job_id, seq):
                    if message is None:
                        return
                    if message["seq"] <= seq:
                        continue
                    seq, failures = message["seq"], 0
                    if message["type"] == "state":
                        is_finished = message["data"]["state"] in FINISHED
                    yield message
            except httpx.TransportError:
                failures += 1
                if failures > self._retries_max:
                    raise
            # Not before the server ends: a job that was retried goes on after its end.
            if is_finished:
                return
            time.sleep(RECONNECT_S)

    def give_feedback(self, name: str, text: str, label: str, **more: Any) -> dict[str, Any]:
        """What the adapter should have answered; kept for a retraining. More: textPair, version, answered."""
        body = {"text": text, "label": label, **more}
        return self._send("POST", _adapter(name, "feedback"), json=body, headers=_key()).json()

    def list_feedback(self, name: str) -> Iterator[dict[str, Any]]:
        """Of the newest version first, of each the newest first; page by page, as they are taken."""
        return self._pages(_adapter(name, "feedback"), "feedback", {})

    def remove_feedback(self, name: str, feedback_id: str) -> None:
        self._send("DELETE", f"{_adapter(name, 'feedback')}/{quote(feedback_id, safe='')}")

    def retrain_adapter(self, name: str, options: dict[str, Any] | None = None) -> dict[str, Any]:
        """The next version learns the feedback, and becomes the alias candidate. With "jobId", to follow."""
        body = {"options": options or {}}
        # The server makes a dataset before it answers.
        return self._send("POST", _adapter(name, "retrain"), json=body, headers=_key(), timeout=self._time_for()).json()

    def get_shadow(self, name: str) -> dict[str, Any]:
        return self._send("GET", _adapter(name, "shadow")).json()

    def set_shadow(self, name: str, alias: str, share: float) -> dict[str, Any]:
        """Which alias is asked beside production, for which share of requests; 0 ends it."""
        return self._send("PUT", _adapter(name, "shadow"), json={"alias": alias, "share": share}).json()

    def list_adapters(self, **query: str) -> Iterator[dict[str, Any]]:
        """Page by page, as they are taken. Query: prefix, label, backbone."""
        return self._pages("/v1/adapters", "adapters", query)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Any other route, with the same retries: of a POST, PUT or DELETE, put an Idempotency-Key into headers."""
        return self._send(method, path, **options)

    def _upload(self, file: BinaryIO, name: str, columns: dict[str, str]) -> dict[str, Any]:
        size = file.seek(0, os.SEEK_END)
        if size > REQUEST_BYTES_MAX:
            return self._upload_by_url(file, {"fileName": name, "bytes": size, **columns})
        file.seek(0)
        files = {"file": (name, file.read())}
        options = {"params": columns, "files": files, "headers": _key(), "timeout": self._time_for(size)}
        try:
            return self._send("POST", "/v1/datasets", **options).json()
        except SoftgateError as error:
            # Also said by what stands before a server, in words of its own.
            if error.status != TOO_LARGE or error.code == "dataset_too_large":
                raise
        return self._upload_by_url(file, {"fileName": name, "bytes": size, **columns})

    def _upload_by_url(self, file: BinaryIO, described: dict[str, Any]) -> dict[str, Any]:
        file.seek(0)
        digest = hashlib.sha256()
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
        body = {**described, "digest": f"sha256:{digest.hexdigest()}"}
        begun = self._send("POST", "/v1/datasets/uploads", json=body, headers=_key()).json()
        time_s = self._time_for(described["bytes"])
        self._send_file(file, begun["upload"], time_s)
        return self._complete(begun["datasetId"], time_s)

    def _time_for(self, size: float = math.inf) -> float:
        """Of an answer to so many bytes, where that is more than the client's own."""
        return max(self._timeout_s, min(UPLOAD_S_MAX, UPLOAD_S_MIN + size / BYTES_PER_SECOND_MIN))

    def _send_file(self, file: BinaryIO, upload: dict[str, Any], time_s: float) -> None:
        """To the store, with the headers that the server gave."""
        for attempt in range(self._retries_max + 1):
            is_last = attempt == self._retries_max
            file.seek(0)
            options = {"headers": upload["headers"], "content": file, "timeout": time_s}
            request = self._http.build_request("PUT", upload["url"], **options)
            del request.headers["Authorization"]  # The key stays here.
            try:
                response = self._http.send(request)
            except httpx.TransportError:
                if is_last:
                    raise
            else:
                if response.is_success or response.status_code == IS_THERE:
                    return
                if is_last or response.status_code not in (REFUSED, *PASSING):
                    raise _refused_by_store(response)
            time.sleep(_grown(attempt) * (0.5 + random.random() / 2))

    def _complete(self, dataset_id: str, time_s: float) -> dict[str, Any]:
        """Read in full by the server, with its answer at the end. Asked for again it answers the same."""
        path = f"/v1/datasets/{dataset_id}/complete"
        for turn in range(TURNS_MAX):
            try:
                return self._send("POST", path, is_repeatable=True, timeout=time_s).json()
            except SoftgateError as error:
                if error.code != "too_many_uploads" or turn + 1 == TURNS_MAX:
                    raise
            time.sleep(TURN_S)
        raise AssertionError("the last turn returns or raises")

    def _pages(self, path: str, name: str, query: dict[str, str]) -> Iterator[dict[str, Any]]:
        while True:
            page = self._send("GET", path, params=query).json()
            yield from page[name]
            if "next" not in page:
                return
            query = {**query, "after": page["next"]}

    def _answers(self, group: list[dict[str, Any]], query: dict[str, Any]) -> list[dict[str, Any]]:
        content = "".join(f"{json.dumps(line)}\n" for line in group)
        headers = {"Content-Type": "application/x-ndjson"}
        response = self._send("POST", "/v1/classify", params=query, content=content, headers=headers)
        answers = [json.loads(line) for line in response.text.split("\n") if line]
        for answer in answers:
            if "error" in answer and "line" not in answer:
                raise SoftgateError(answer["error"])
        if len(answers) != len(group):
            detail = f"The server answered {len(answers)} of {len(group)} lines."
            raise SoftgateError({"status": 200, "code": "unexpected_answer", "detail": detail})
        return answers

    def _messages(self, job_id: str, seq: int) -> Iterator[dict[str, Any] | None]:
        """None at the end of a job whose events were all told before."""
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": str(seq)} if seq else {})}
        path = f"/v1/jobs/{quote(job_id, safe='')}/events"
        response = self._send("GET", path, headers=headers, is_stream=True)
        try:
            if response.status_code == 204:
                yield None
                return
            fields: dict[str, str] = {}
            for line in response.iter_lines():
                name, _, value = line.partition(":")
                if name:
                    fields[name] = value.removeprefix(" ")
                elif "data" in fields and not line:
                    yield {"seq": int(fields["id"]), "type": fields["event"], "data": json.loads(fields["data"])}
                    fields = {}
        finally:
            response.close()

    def _send(
        self, method: str, path: str, *, is_stream: bool = False, is_repeatable: bool = False, **options: Any
    ) -> httpx.Response:
        """Tried again after a 429, and after whatever else may pass where it may be done twice."""
        keyed = "Idempotency-Key" in options.get("headers", {})
        is_repeatable = is_repeatable or method == "GET" or path == "/v1/classify" or keyed
        for attempt in range(self._retries_max + 1):
            is_last = attempt == self._retries_max
            try:
                request = self._http.build_request(method, path, **options)
                response = self._http.send(request, stream=is_stream)
            except httpx.TransportError:
                if is_last or not is_repeatable:
                    raise
                time.sleep(_grown(attempt) * (0.5 + random.random() / 2))
                continue
            if response.is_success:
                return response
            response.read()
            least = _retry_after(response)
            # Clients that were refused together do not come back together.
            wait = _grown(attempt) * (0.5 + random.random() / 2) if least is None else least + _grown(attempt) * random.random()
            is_being_done = response.status_code == CONFLICT and least is not None
            helps = response.status_code == REFUSED or (is_repeatable and (response.status_code in PASSING or is_being_done))
            if is_last or not helps or wait > self._wait_s_max:
                raise _error_of(response)
            time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")


def _adapter(name: str, what: str) -> str:
    return f"/v1/adapters/{quote(name, safe='')}/{what}"


def _key() -> dict[str, str]:
    """Sent again, the request is done once."""
    return {"Idempotency-Key": str(uuid.uuid4())}


def _grown(attempt: int) -> float:
    return WAIT_S_MIN * 2**attempt


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds, or a date, as RFC 9110 has it."""
    value = response.headers.get("retry-after")
    if value is None:
        return None
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _refused_by_store(response: httpx.Response) -> SoftgateError:
    told = re.search(r"<Code>(\w{1,100})</Code>", response.text)
    reason = told[1] if told else "no reason given"
    detail = f"The store at {response.url.host} did not take the file (status {response.status_code}, {reason})."
    return SoftgateError({"status": response.status_code, "code": "unexpected_answer", "detail": detail})


def _error_of(response: httpx.Response) -> SoftgateError:
    """Of an answer that is no problem document, as a proxy's may be, the status is all there is."""
    try:
        body = response.json()
    except ValueError:
        body = None
    problem = body if isinstance(body, dict) else {}
    return SoftgateError(
        {
            "code": "unexpected_answer",
            "detail": f"The server answered {response.status_code}.",
            "requestId": response.headers.get("x-request-id"),
            **problem,
            "status": response.status_code,
            "retryAfterSeconds": _retry_after(response),
        }
    )
