"""What huggingface_hub's InferenceClient makes of our answers, as JSON lines: url, key and the calls on standard input."""

import json
import sys

from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

asked = json.load(sys.stdin)
for call in asked["calls"]:
    client = InferenceClient(model=asked["url"] + call["path"], token=call.get("key", asked["key"]))
    try:
        elements = client.text_classification(call["text"], **call.get("options", {}))
        print(json.dumps({"elements": [[element.label, element.score] for element in elements]}))
    except HfHubHTTPError as error:
        print(json.dumps({"status": error.response.status_code, "message": str(error)}))
