"""A backbone's folder as the ONNX file that transformers.js loads: ids and masks in, last hidden states out.

Called by bench/serve/serve-peers.ts. Writes to --out, in fp32, with symbolic sizes.
"""

import argparse

import torch
from torch import Tensor, nn
from transformers import AutoModel

NAMES = ("input_ids", "attention_mask", "token_type_ids")


class LastHiddenState(nn.Module):
    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, ids: Tensor, mask: Tensor, segments: Tensor) -> Tensor:
        return self.encoder(input_ids=ids, attention_mask=mask, token_type_ids=segments).last_hidden_state


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", required=True)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    encoder = AutoModel.from_pretrained(arguments.backbone, add_pooling_layer=False).eval()
    ids = torch.ones(2, 9, dtype=torch.long)
    torch.onnx.export(
        LastHiddenState(encoder),
        (ids, ids, 0 * ids),
        arguments.out,
        input_names=list(NAMES),
        output_names=["last_hidden_state"],
        dynamic_axes={name: {0: "batch", 1: "length"} for name in (*NAMES, "last_hidden_state")},
        opset_version=17,
        dynamo=False,
    )


if __name__ == "__main__":
    main()
