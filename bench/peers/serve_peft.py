"""One peer of `npm run bench -- serve`: PyTorch with PEFT's mixed batches, a LoRA adapter for each text.

Called by bench/serve/serve-peers.ts. LoRA of rank 8 on queries and values, one adapter and one head a text, all
in one forward pass by `adapter_names`. Prints "ready", then "done" for each line "run together" or "run sorted".
Weights are random: that changes no time.
"""

import argparse
import json
import os
import sys

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", CUDA_VISIBLE_DEVICES="")

import torch
from peft import LoraConfig, TaskType, get_peft_model
from tokenizers import Tokenizer
from transformers import AutoModel
from transformers import logging as transformers_logging

LORA_RANK = 8
LORA_ALPHA = 16
TOKENS_MAX = 256
SORTED_BATCH = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("backbone", "texts"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("classes", "threads"):
        parser.add_argument(f"--{name}", required=True, type=int)
    arguments = parser.parse_args()
    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    transformers_logging.set_verbosity_error()
    torch.manual_seed(0)
    with open(arguments.texts, encoding="utf-8") as file:
        texts = json.load(file)
    run = create_run(arguments.backbone, texts, arguments.classes)
    batches_of = {"together": [list(range(len(texts)))], "sorted": sorted_batches(texts)}
    print("ready", flush=True)
    for line in sys.stdin:
        batches = batches_of.get(line.strip().removeprefix("run "))
        if batches is not None:
            for batch in batches:
                run(batch)
            print("done", flush=True)


def sorted_batches(texts: list[str]) -> list[list[int]]:
    """Indices of texts, neighbours in length together. Sorting is not timed."""
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    return [order[start : start + SORTED_BATCH] for start in range(0, len(order), SORTED_BATCH)]


def create_run(folder: str, texts: list[str], class_count: int):
    encoder = AutoModel.from_pretrained(folder, add_pooling_layer=False)
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(TOKENS_MAX)
    tokenizer.enable_padding(pad_id=encoder.config.pad_token_id)
    names = [f"tenant_{index}" for index in range(len(texts))]
    config = LoraConfig(
        task_type=TaskType.FEATURE_EXTRACTION,
        r=LORA_RANK,
        lora_alpha=LORA_ALPHA,
        target_modules=["query", "value"],
        init_lora_weights=False,
    )
    model = get_peft_model(encoder, config, adapter_name=names[0])
    for name in names[1:]:
        model.add_adapter(name, config)
    model.eval()
    heads = torch.randn(len(texts), class_count, encoder.config.hidden_size)

    @torch.inference_mode()
    def run(batch: list[int]) -> torch.Tensor:
        encoded = tokenizer.encode_batch([texts[index] for index in batch])
        ids = torch.tensor([one.ids for one in encoded])
        mask = torch.tensor([one.attention_mask for one in encoded])
        adapter_names = [names[index] for index in batch]
        hidden = model(input_ids=ids, attention_mask=mask, adapter_names=adapter_names).last_hidden_state
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        pooled = torch.nn.functional.normalize((hidden * weights).sum(1) / weights.sum(1), dim=1)
        return torch.einsum("bcd,bd->bc", heads[batch], pooled).softmax(1)

    return run


if __name__ == "__main__":
    main()
