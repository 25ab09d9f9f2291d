"""Files too large for a request, by our Python client: of each the answer, or the error, and who was sent the key, as JSON."""

import json
import sys

import httpx
from softgate_client import Softgate, SoftgateError

asked = json.load(sys.stdin)


class Recording(httpx.HTTPTransport):
    """Which methods carried the key; of a PUT, spoils the signature where it is asked to."""

    keyed: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if "Authorization" in request.headers:
            self.keyed.append(request.method)
        if request.method == "PUT" and asked.get("isSpoilt"):
            request.url = request.url.copy_merge_params({"X-Amz-Signature": "0" * 64})
        return super().handle_request(request)


with Softgate(asked["url"], asked["key"], transport=Recording()) as softgate:
    try:
        told = softgate.upload_dataset(asked["path"])
        answer = {"id": told["id"], "rows": told["rows"], "labels": told["labels"]}
    except SoftgateError as error:
        answer = {"status": error.status, "code": error.code, "detail": error.detail}
    print(json.dumps({**answer, "keyed": Recording.keyed}))
