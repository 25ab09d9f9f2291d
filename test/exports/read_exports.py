"""What a Python user does with an export, without Softgate: probabilities of some texts, as JSON on stdout.

Called by python.test.ts: onnx FILE TOKENIZER_JSON, or peft FOLDER BACKBONE_FOLDER; texts as JSON on stdin, a pair
as a list of two. "unavailable" where what is needed is not installed.
"""

import json
import sys

import numpy as np


def read_onnx(path: str, tokenizer_path: str, texts: list) -> dict:
    import onnxruntime
    from tokenizers import Tokenizer

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    about = session.get_modelmeta().custom_metadata_map
    tokenizer = Tokenizer.from_file(tokenizer_path)
    tokenizer.enable_truncation(int(about["softgate.max_length"]))
    tokenizer.enable_padding()

    def feeds(batch: list, suffix: str = "") -> dict:
        encodings = tokenizer.encode_batch(batch)
        return {
            f"input_ids{suffix}": np.array([e.ids for e in encodings], dtype=np.int64),
            f"attention_mask{suffix}": np.array([e.attention_mask for e in encodings], dtype=np.int64),
            f"token_type_ids{suffix}": np.array([e.type_ids for e in encodings], dtype=np.int64),
        }

    if "softgate.template" in about:
        whole = about["softgate.template"].replace("{mask}", "[MASK]")
        inputs = feeds([whole.replace("{text}", text) for text in texts])
    elif about["softgate.pair_mode"] == "dual":
        inputs = feeds([first for first, _ in texts]) | feeds([second for _, second in texts], "_pair")
    else:
        inputs = feeds([tuple(text) if isinstance(text, list) else text for text in texts])
    logits, probabilities = session.run(["logits", "probabilities"], inputs)
    below = json.loads(about["softgate.out_of_scope"])["below"] if "softgate.out_of_scope" in about else None
    return {
        "labels": json.loads(about["softgate.labels"]),
        "probabilities": probabilities.tolist(),
        "out_of_scope": [below is not None and bool(row.max() < below) for row in logits],
    }


def read_peft(folder: str, backbone: str, texts: list) -> dict:
    import torch
    from peft import PeftModel
    from safetensors.torch import load_file
    from tokenizers import Tokenizer
    from transformers import AutoModel

    with open(f"{folder}/softgate_config.json", encoding="utf-8") as file:
        about = json.load(file)
    model = PeftModel.from_pretrained(AutoModel.from_pretrained(backbone), folder).eval()
    head = load_file(f"{folder}/head.safetensors")
    tokenizer = Tokenizer.from_file(f"{backbone}/tokenizer.json")
    tokenizer.enable_truncation(256)
    tokenizer.enable_padding()
    encodings = tokenizer.encode_batch(texts)
    ids = torch.tensor([e.ids for e in encodings])
    mask = torch.tensor([e.attention_mask for e in encodings])
    with torch.no_grad():
        states = model(input_ids=ids, attention_mask=mask).last_hidden_state
        mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        features = torch.nn.functional.normalize(mean)
        logits = features @ head["classifier.weight"].T + head["classifier.bias"]
        probabilities = (logits / about["temperature"]).softmax(-1)
    return {"labels": list(about["id2label"].values()), "probabilities": probabilities.tolist()}


def main() -> None:
    kind, *paths = sys.argv[1:]
    texts = json.load(sys.stdin)
    try:
        result = {"onnx": read_onnx, "peft": read_peft}[kind](*paths, texts)
    except ModuleNotFoundError as error:
        result = {"unavailable": error.name}
    json.dump(result, sys.stdout)


main()
