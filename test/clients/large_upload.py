"""A file too large for a request, by our Python client: its answers, or its error, as a line of JSON each."""

import json
import sys

from softgate_client import Softgate, SoftgateError

asked = json.load(sys.stdin)

with Softgate(asked["url"], asked["key"]) as softgate:
    for path in asked["paths"]:
        try:
            told = softgate.upload_dataset(path)
            print(json.dumps({"id": told["id"], "rows": told["rows"], "labels": told["labels"]}))
        except SoftgateError as error:
            print(json.dumps({"status": error.status, "code": error.code, "detail": error.detail}))
