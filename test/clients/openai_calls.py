"""What OpenAI's SDK for Python makes of our answers: each named result is a line of JSON."""

import json
import sys

import openai

asked = json.load(sys.stdin)
client = openai.OpenAI(base_url=f"{asked['url']}/openai/v1", api_key=asked["key"], max_retries=0)


def tell(name: str, value: object) -> None:
    print(json.dumps({"name": name, "value": value}))


file = client.files.create(file=("tickets.jsonl", asked["jsonl"].encode()), purpose="fine-tune")
tell("file", [file.object, file.filename, file.purpose, file.status, client.files.retrieve(file.id).bytes])
job = client.fine_tuning.jobs.create(model="softgate", training_file=file.id, suffix="python-tickets", seed=7)
tell("job", [job.object, job.status, job.training_file == file.id, job.seed, job.fine_tuned_model])
tell("listed", job.id in [listed.id for listed in client.fine_tuning.jobs.list(limit=1)])
tell("retrieved", client.fine_tuning.jobs.retrieve(job.id).status)
tell("events", len(client.fine_tuning.jobs.list_events(job.id).data))
tell("cancelled", client.fine_tuning.jobs.cancel(job.id).status)
tell("models", [model.id for model in client.models.list()])
tell("model", client.models.retrieve("router:1").id)
tell("deleted", client.models.delete("spare").deleted)
for name, call in (
    ("missing", lambda: client.models.retrieve("missing")),
    ("refused", lambda: client.fine_tuning.jobs.create(model="gpt-4o", training_file=file.id, suffix="a")),
    ("messages", lambda: client.files.create(file=("chat.jsonl", b'{"messages":[]}\n'), purpose="fine-tune")),
    ("key", lambda: client.with_options(api_key="sg_wrong").models.list()),
):
    try:
        call()
    except openai.APIStatusError as error:
        tell(name, [type(error).__name__, error.code, error.message])
