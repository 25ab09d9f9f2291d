"""The peers of `npm run bench -- accuracy`: each trains on labelled texts and is evaluated on a test file.

Called by bench/accuracy/peer-process.ts. Reads one JSON line for each cell of the table from stdin and answers it with
one JSON line {"accuracy", "macroF1", "n", "seconds", "device"} on stdout; progress goes to stderr. "seconds" is training
with the choice of the learning rate; imports, loading and test are not in it. Each cell starts from the seed, so that
the cells before it change nothing; in fp32, on a GPU (--device=cuda) without TF32.
"""

import argparse
import copy
import csv
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass

# Read by the libraries below when they are imported: nothing is looked up on a network, products of a GPU can be
# repeated, and no GPU is used that is not asked for.
os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", CUBLAS_WORKSPACE_CONFIG=":4096:8")
if "--device=cuda" not in sys.argv:
    os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import torch
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from tokenizers import Encoding, Tokenizer
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    PretrainedConfig,
    get_linear_schedule_with_warmup,
)
from transformers import logging as transformers_logging

STEPS_MIN = 200  # Whole epochs, at least so many steps. (LM-BFF's budget is 1000.)
EPOCHS_MIN = 5  # Of more than 640 texts, whose 200 steps would be fewer epochs.
BATCH = 16
GROUPED_BATCHES = 50
WARMUP_SHARE = 0.1
GRADIENT_NORM_MAX = 1.0
LORA_RANK = 8
LORA_ALPHA = 16
# Of queries and values.
LORA_MODULES = ("query", "value")
LORA_MODULES_MPNET = ("attn.q", "attn.v")
VIRTUAL_TOKENS = 10
RATES = {
    "full_fine_tuning": (2e-5, 5e-5, 1e-4),
    "lora": (5e-4, 1e-3, 2e-3),
    "prompt_tuning": (1e-2, 3e-2),
}
# Of a validation file that is not there: so much of the training file.
HELD_OUT_SHARE = 0.1

Text = str | tuple[str, str]
Row = tuple[Text, str]
Predict = Callable[[list[Text]], list[int]]


@dataclass(frozen=True)
class Examples:
    texts: list[Text]
    classes: list[int]


@dataclass(frozen=True)
class Data:
    train: Examples
    # What a learning rate is tried on: all of train, but where it had to give the validation examples.
    fitted: Examples
    validation: Examples
    test: Examples
    class_count: int
    label_words: list[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", required=True, choices=("cpu", "cuda"))
    parser.add_argument("--threads", required=True, type=int)
    arguments = parser.parse_args()
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        sys.exit("PyTorch finds no NVIDIA card: train peers with --device cpu")
    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    # CUDA has no such kernel for some operations: there it warns.
    torch.use_deterministic_algorithms(True, warn_only=arguments.device == "cuda")
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    for line in sys.stdin:
        # Libraries print as they like; results alone go to stdout.
        with redirect_stdout(sys.stderr):
            result = measure(Cell(**json.loads(line)), torch.device(arguments.device))
        print(json.dumps(result), flush=True)


def end_with(parent: int) -> None:
    """Else a cell would be trained to its end, hours perhaps, when the bench was ended by a signal."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


@dataclass(frozen=True)
class Cell:
    """One line of stdin. Files are paths."""

    # "setfit", or one of RATES.
    method: str
    backbone: str
    train: str
    # The learning rate is chosen by it; None: by a tenth of the training file, and all of it is learned anew then.
    validation: str | None
    test: str
    testRowsMax: int
    seed: int
    # Of a backbone that predicts words: full fine-tuning then reads these at the template's mask.
    template: str | None
    labelWords: dict[str, str]


def measure(cell: Cell, device: torch.device) -> dict[str, float | str]:
    seed_all(cell.seed)
    data = read_data(cell)
    if cell.method == "setfit":
        predict, seconds = train_setfit(cell.backbone, data, cell.seed, device)
    else:
        predict, seconds = train_by_gradient(cell, data, device)
    predicted = predict(data.test.texts)
    return {
        "accuracy": float(accuracy_score(data.test.classes, predicted)),
        # Of the labels that occur, among the examples or among the answers.
        "macroF1": float(f1_score(data.test.classes, predicted, average="macro", zero_division=0)),
        "n": len(predicted),
        "seconds": seconds,
        "device": describe(device),
    }


def describe(device: torch.device) -> str:
    card = f"{torch.cuda.get_device_name()}, " if device.type == "cuda" else ""
    return f"{device.type}, {card}torch {torch.__version__}"


def seed_all(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


# Data


def read_data(cell: Cell) -> Data:
    train, test = read_rows(cell.train), spread(read_rows(cell.test), cell.testRowsMax)
    labels = sorted({label for _, label in train})
    words = [cell.labelWords.get(label, label) for label in labels]
    examples = to_examples(train, labels, cell.train)
    if cell.validation is None:
        fitted, validation = hold_out(examples, cell.seed)
    else:
        fitted, validation = examples, to_examples(read_rows(cell.validation), labels, cell.validation)
    tested = to_examples(test, labels, cell.test)
    return Data(examples, fitted, validation, tested, class_count=len(labels), label_words=words)


def hold_out(examples: Examples, seed: int) -> tuple[Examples, Examples]:
    """The rest, and a tenth of each class."""
    parts = train_test_split(
        examples.texts,
        examples.classes,
        test_size=HELD_OUT_SHARE,
        stratify=examples.classes,
        random_state=seed,
    )
    return Examples(parts[0], parts[2]), Examples(parts[1], parts[3])


def read_rows(path: str) -> list[Row]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        names = [name.strip().lower() for name in next(reader)]
        rows = [dict(zip(names, fields, strict=True)) for fields in reader if fields]

    def text_of(row: dict[str, str]) -> Text:
        return (row["text"], row["text_pair"]) if "text_pair" in row else row["text"]

    return [(text_of(row), row["label"].strip()) for row in rows]


def to_examples(rows: list[Row], labels: list[str], path: str) -> Examples:
    class_by_label = {label: index for index, label in enumerate(labels)}
    unknown = next((label for _, label in rows if label not in class_by_label), None)
    if unknown is not None:
        sys.exit(f'{path}: the label "{unknown}" is not among those of the training file')
    return Examples([text for text, _ in rows], [class_by_label[label] for _, label in rows])


def spread(items: list[Row], most: int) -> list[Row]:
    """At most `most` of the items, evenly spread over all, in order: the rows that read-task.ts takes."""
    if len(items) <= most:
        return items
    count = len(items)
    return [item for i, item in enumerate(items) if i * most // count != (i - 1) * most // count]


# Full fine-tuning, LoRA and prompt tuning: one loop


class PooledClassifier(nn.Module):
    """An encoder and a linear head on the mean of its last hidden states, of the text's tokens alone."""

    def __init__(self, encoder: nn.Module, config: PretrainedConfig, class_count: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.has_types = has_types(config)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(config.hidden_size, class_count)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: Tensor, mask: Tensor, segments: Tensor) -> Tensor:
        hidden = self.encode(ids, mask, segments)
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        return self.head(self.dropout((hidden * weights).sum(1) / weights.sum(1)))

    def encode(self, ids: Tensor, mask: Tensor, segments: Tensor) -> Tensor:
        types = self.types(segments)
        return self.encoder(input_ids=ids, attention_mask=mask, **types).last_hidden_state

    def types(self, segments: Tensor) -> dict[str, Tensor]:
        return {"token_type_ids": segments} if self.has_types else {}


def has_types(config: PretrainedConfig) -> bool:
    """Whether the encoder tells segments apart: MPNet has no token types."""
    return getattr(config, "type_vocab_size", 0) > 0


class PromptedClassifier(PooledClassifier):
    """With PEFT's prompts before the text. PEFT's own forward would drop the segments of pairs."""

    def encode(self, ids: Tensor, mask: Tensor, segments: Tensor) -> Tensor:
        prompts = self.encoder.get_prompt(batch_size=len(ids))
        count = prompts.shape[1]
        hidden = self.encoder.base_model(
            inputs_embeds=torch.cat([prompts, self.encoder.word_embeddings(ids)], dim=1),
            attention_mask=nn.functional.pad(mask, (count, 0), value=1),
            **self.types(nn.functional.pad(segments, (count, 0), value=0)),
        ).last_hidden_state
        return hidden[:, count:]


class WordClassifier(nn.Module):
    """A masked language model that is asked for the label words at the template's mask (LM-BFF)."""

    def __init__(self, model: nn.Module, mask_id: int, word_ids: list[list[int]]) -> None:
        super().__init__()
        self.model = model
        # Of BERT, or of RoBERTa and MPNet.
        self.word_head = model.cls if hasattr(model, "cls") else model.lm_head
        self.mask_id = mask_id
        self.word_ids = word_ids

    def forward(self, ids: Tensor, mask: Tensor, segments: Tensor) -> Tensor:
        types = {"token_type_ids": segments} if has_types(self.model.config) else {}
        hidden = self.model.base_model(input_ids=ids, attention_mask=mask, **types).last_hidden_state
        # Words are predicted at the mask alone: at every token that is a fifth of the work.
        mask_at = (ids == self.mask_id).int().argmax(1)
        at_mask = self.word_head(hidden[torch.arange(len(ids), device=ids.device), mask_at])
        # Of several word pieces the mean, as the trainer takes it.
        return torch.stack([at_mask[:, pieces].mean(1) for pieces in self.word_ids], dim=1)


Model = PooledClassifier | WordClassifier


@dataclass(frozen=True)
class Trained:
    model: Model
    rate: float
    accuracy: float
    loss: float


def train_by_gradient(cell: Cell, data: Data, device: torch.device) -> tuple[Predict, float]:
    method, folder, template = cell.method, cell.backbone, cell.template
    config = AutoConfig.from_pretrained(folder)
    prompts = VIRTUAL_TOKENS if method == "prompt_tuning" else 0
    tokenizer = load_tokenizer(folder, config, positions_of(config) - prompts)
    if template is None:
        backbone = AutoModel.from_pretrained(folder, add_pooling_layer=False)
    else:
        backbone = AutoModelForMaskedLM.from_pretrained(folder)

    def encode(texts: list[Text]) -> list[Encoding]:
        if template is None:
            return tokenizer.encode_batch(texts)
        return [fill(tokenizer, template, text, positions_of(config)) for text in texts]

    def build() -> Model:
        model = copy.deepcopy(backbone)
        if template is None:
            return build_model(method, model, config, data.class_count)
        pieces = [tokenizer.encode(f" {word}", add_special_tokens=False).ids for word in data.label_words]
        return WordClassifier(model, tokenizer.token_to_id(mask_of(tokenizer)), pieces)

    def train(encoded: list[Encoding], classes: list[int], rate: float) -> Model:
        seed_all(cell.seed)
        model = build().to(device)
        fit(model, encoded, classes, rate, config.pad_token_id)
        return model

    fitted, validation = encode(data.fitted.texts), encode(data.validation.texts)

    def attempt(rate: float) -> Trained:
        model = train(fitted, data.fitted.classes, rate)
        logits = logits_of(model, validation, config.pad_token_id)
        actual = torch.tensor(data.validation.classes)
        loss = nn.functional.cross_entropy(logits, actual).item()
        accuracy = (logits.argmax(1) == actual).double().mean().item()
        say(f"{method}  rate {rate:g}  validation accuracy {accuracy:.4f}  loss {loss:.4f}")
        return Trained(model, rate, accuracy, loss)

    started = time.perf_counter()
    best = attempt(RATES[method][0])
    for rate in RATES[method][1:]:
        best = max(best, attempt(rate), key=lambda trained: (trained.accuracy, -trained.loss))
    model = best.model
    if data.fitted is not data.train:
        model = train(encode(data.train.texts), data.train.classes, best.rate)
    seconds = time.perf_counter() - started

    def predict(texts: list[Text]) -> list[int]:
        logits = logits_of(model, encode(texts), config.pad_token_id)
        return logits.argmax(1).tolist()

    return predict, seconds


def build_model(
    method: str, encoder: nn.Module, config: PretrainedConfig, class_count: int
) -> PooledClassifier:
    if method == "full_fine_tuning":
        return PooledClassifier(encoder, config, class_count)
    from peft import LoraConfig, PromptTuningConfig, PromptTuningInit, TaskType, get_peft_model

    task = TaskType.FEATURE_EXTRACTION
    if method == "lora":
        modules = LORA_MODULES_MPNET if config.model_type == "mpnet" else LORA_MODULES
        lora = LoraConfig(
            task_type=task, r=LORA_RANK, lora_alpha=LORA_ALPHA, target_modules=list(modules)
        )
        return PooledClassifier(get_peft_model(encoder, lora), config, class_count)
    # Prompts start as tokens of the vocabulary: as large as those beside them.
    prompt = PromptTuningConfig(
        task_type=task, num_virtual_tokens=VIRTUAL_TOKENS, prompt_tuning_init=PromptTuningInit.SAMPLE_VOCAB
    )
    return PromptedClassifier(get_peft_model(encoder, prompt), config, class_count)


def fit(model: Model, encoded: list[Encoding], classes: list[int], rate: float, pad: int) -> None:
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=rate, fused=True)
    steps_per_epoch = -(-len(encoded) // BATCH)
    epochs = max(EPOCHS_MIN, -(-STEPS_MIN // steps_per_epoch))
    steps = epochs * steps_per_epoch
    schedule = get_linear_schedule_with_warmup(optimizer, round(WARMUP_SHARE * steps), steps)
    device = trained[0].device
    model.train()
    for epoch in range(epochs):
        for indices in shuffled_batches(encoded, grouped=epochs == EPOCHS_MIN):
            batch = [encoded[i] for i in indices]
            logits = model(*pad_batch(batch, pad, device))
            actual = torch.tensor([classes[i] for i in indices], device=device)
            loss = nn.functional.cross_entropy(logits, actual)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(trained, GRADIENT_NORM_MAX)
            optimizer.step()
            schedule.step()
        if (epoch + 1) * 4 // epochs != epoch * 4 // epochs:
            say(f"rate {rate:g}  epoch {epoch + 1} of {epochs}  loss {loss.item():.4f}")


def shuffled_batches(encoded: list[Encoding], *, grouped: bool) -> list[Tensor]:
    """Grouped: in each batch texts of like length, as transformers' Trainer groups them; half of the work is padding else."""
    order = torch.randperm(len(encoded))
    if not grouped:
        return list(order.split(BATCH))
    batches = [
        batch
        for some in order.split(GROUPED_BATCHES * BATCH)
        for batch in some[torch.tensor([len(encoded[i]) for i in some]).argsort()].split(BATCH)
    ]
    return [batches[i] for i in torch.randperm(len(batches))]


@torch.inference_mode()
def logits_of(model: Model, encoded: list[Encoding], pad: int) -> Tensor:
    device = next(model.parameters()).device
    model.eval()
    by_length = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
    parts = []
    for start in range(0, len(by_length), 4 * BATCH):
        indices = by_length[start : start + 4 * BATCH]
        parts.append(model(*pad_batch([encoded[i] for i in indices], pad, device)).cpu())
    return torch.cat(parts)[torch.tensor(by_length).argsort()]


def mask_of(tokenizer: Tokenizer) -> str:
    return next(token for token in ("[MASK]", "<mask>") if tokenizer.token_to_id(token) is not None)


def fill(tokenizer: Tokenizer, template: str, text: Text, tokens_max: int) -> Encoding:
    """A text or pair in the template, cut at the longer text's end until the whole fits."""
    texts = [text] if isinstance(text, str) else list(text)
    tokenizer.no_truncation()
    while True:
        names = {"mask": mask_of(tokenizer), "text": texts[0], "text_pair": texts[-1]}
        encoding = tokenizer.encode(template.format(**names))
        over = len(encoding.ids) - tokens_max
        if over <= 0:
            return encoding
        pieces = [tokenizer.encode(one, add_special_tokens=False).offsets for one in texts]
        longer = max(range(len(texts)), key=lambda i: len(pieces[i]))
        texts[longer] = texts[longer][: pieces[longer][-over - 1][1]]


def load_tokenizer(folder: str, config: PretrainedConfig, tokens_max: int) -> Tokenizer:
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(tokens_max)
    return tokenizer


def positions_of(config: PretrainedConfig) -> int:
    """RoBERTa and its kin, MPNet among them, count positions from behind the padding's id."""
    offset = 0 if config.model_type == "bert" else config.pad_token_id + 1
    return config.max_position_embeddings - offset


def pad_batch(
    encoded: list[Encoding], pad: int, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    length = max(len(one) for one in encoded)

    def padded(rows: list[list[int]], value: int) -> Tensor:
        return torch.tensor([row + [value] * (length - len(row)) for row in rows], device=device)

    ids = padded([one.ids for one in encoded], pad)
    mask = padded([one.attention_mask for one in encoded], 0)
    return ids, mask, padded([one.type_ids for one in encoded], 0)


# SetFit


def train_setfit(folder: str, data: Data, seed: int, device: torch.device) -> tuple[Predict, float]:
    """SetFit's own defaults: one epoch over oversampled pairs, then logistic regression; no validation.

    It knows no pairs of texts: the two are joined by the separator, "text [SEP] text_pair".
    """
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from setfit import SetFitModel, Trainer, TrainingArguments
    from sklearn.linear_model import LogisticRegression

    # A folder without word of pooling is given the mean.
    body = SentenceTransformer(folder, device=device.type)
    body.max_seq_length = positions_of(AutoConfig.from_pretrained(folder))
    model = SetFitModel(model_body=body, model_head=LogisticRegression())

    def joined(texts: list[Text]) -> list[str]:
        separator = f" {body.tokenizer.sep_token} "
        return [text if isinstance(text, str) else separator.join(text) for text in texts]

    with tempfile.TemporaryDirectory() as folder_of_run:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=folder_of_run,
                batch_size=BATCH,
                num_epochs=1,
                seed=seed,
                report_to="none",
                save_strategy="no",
            ),
            train_dataset=Dataset.from_dict({"text": joined(data.train.texts), "label": data.train.classes}),
        )
        started = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - started

    def predict(texts: list[Text]) -> list[int]:
        return [int(label) for label in model.predict(joined(texts), show_progress_bar=False)]

    return predict, seconds


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
