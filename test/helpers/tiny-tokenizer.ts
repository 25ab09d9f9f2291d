// tokenizer.json of the tiny backbones: WordPiece as BERT and MPNet have it, byte-level BPE as RoBERTa has it.
// Truncation and padding are set in the files on purpose: the tokenizer must switch them off.

/** Words that are one token each in the WordPiece vocabulary; " word" is one token in the BPE one. */
export const TINY_WORDS: readonly string[] = `
the a an and or but not no yes i you he she it we they my your his her our their me him us them this that these those
is are was were be been am do does did have has had can could will would should may must of to in on at by for from
with about into over after before under up down out off what when where why how who which all any some more most very
too so than then now here there just only again still never always good bad great poor happy sad angry love hate like
want need help please thanks thank hello hi bye new old big small fast slow first last day week month year time today
tomorrow order refund money payment card bank account invoice price charge pay cost free buy sell ship package box
delivery late lost broken damaged return store phone screen battery app login password email error bug crash update
install computer internet website page button click open close weather rain sun wind cold hot music song play stop
movie film book read story food pizza coffee table flight hotel ticket travel city car train bus team game player
score win lose match news world market stock company government police science health doctor
`
  .trim()
  .split(/\s+/);

const CHARACTERS = [..."abcdefghijklmnopqrstuvwxyz0123456789"];
const PUNCTUATION = [..."!\"#$%&'()*+,-./:;<=>?@[]_{}~€é中文"];
const TRUNCATION = { direction: "Right", max_length: 16, strategy: "LongestFirst", stride: 0 };

interface TokenizerFile {
  readonly model: { readonly vocab: Record<string, number>; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

export function makeWordPieceTokenizer(): TokenizerFile {
  const specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
  const suffixes = [...CHARACTERS, "ing", "ed", "er", "est", "ly"].map((suffix) => `##${suffix}`);
  const tokens = new Set([...specials, ...CHARACTERS, ...PUNCTUATION, ...suffixes, ...TINY_WORDS]);
  const special = (name: string, typeId: number) => ({ SpecialToken: { id: name, type_id: typeId } });
  const sequence = (name: string, typeId: number) => ({ Sequence: { id: name, type_id: typeId } });
  return {
    version: "1.0",
    truncation: TRUNCATION,
    padding: padding("[PAD]", 0),
    added_tokens: specials.map((content, id) => addedToken(id, content)),
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [special("[CLS]", 0), sequence("A", 0), special("[SEP]", 0)],
      pair: [
        special("[CLS]", 0),
        sequence("A", 0),
        special("[SEP]", 0),
        sequence("B", 1),
        special("[SEP]", 1),
      ],
      special_tokens: {
        "[CLS]": { id: "[CLS]", ids: [2], tokens: ["[CLS]"] },
        "[SEP]": { id: "[SEP]", ids: [3], tokens: ["[SEP]"] },
      },
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: numberTokens(tokens),
    },
  };
}

/** WordPiece between RoBERTa's special tokens; the two stand-ins of what is unknown are on purpose. */
export function makeMpnetTokenizer(): TokenizerFile {
  const { model, ...file } = makeWordPieceTokenizer();
  const specials = ["<s>", "<pad>", "</s>", "<unk>"];
  const words = Object.keys(model.vocab).filter((token) => token === "[UNK]" || !/^\[[A-Z]+\]$/.test(token));
  const vocab = numberTokens([...specials, ...words, "<mask>"]);
  const added = (content: string) => addedToken(Number(vocab[content]), content);
  return {
    ...file,
    padding: padding("<pad>", 1),
    added_tokens: [
      ...["<s>", "<pad>", "</s>"].map(added),
      { ...added("<unk>"), normalized: true },
      added("[UNK]"),
      { ...added("<mask>"), lstrip: true },
    ],
    post_processor: ROBERTA_PROCESSING,
    model: { ...model, vocab },
  };
}

const ROBERTA_PROCESSING = {
  type: "RobertaProcessing",
  sep: ["</s>", 2],
  cls: ["<s>", 0],
  trim_offsets: true,
  add_prefix_space: false,
};

export function makeByteLevelTokenizer(): TokenizerFile {
  const specials = ["<s>", "<pad>", "</s>", "<unk>"];
  const merges = new Set<string>();
  const tokens = new Set([...specials, ...byteCharacters()]);
  for (const word of TINY_WORDS) {
    // Every prefix of " word" becomes a token, so that the merges lead to the whole.
    let prefix = "Ġ";
    for (const character of word) {
      merges.add(`${prefix} ${character}`);
      prefix += character;
      tokens.add(prefix);
    }
  }
  tokens.add("<mask>");
  const vocab = numberTokens(tokens);
  return {
    version: "1.0",
    truncation: TRUNCATION,
    padding: padding("<pad>", 1),
    added_tokens: [
      ...specials.map((content, id) => addedToken(id, content)),
      { ...addedToken(tokens.size - 1, "<mask>"), lstrip: true },
    ],
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: ROBERTA_PROCESSING,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      vocab,
      merges: [...merges],
    },
  };
}

/** GPT-2's printable stand-in of each byte: itself where printable, else the next from U+0100 on. */
function byteCharacters(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    return String.fromCodePoint(printable ? byte : next++);
  });
}

function numberTokens(tokens: Iterable<string>): Record<string, number> {
  return Object.fromEntries([...tokens].map((token, id) => [token, id]));
}

function addedToken(id: number, content: string) {
  return { id, content, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false };
}

function padding(token: string, id: number) {
  return {
    strategy: { Fixed: 16 },
    direction: "Right",
    pad_to_multiple_of: null,
    pad_id: id,
    pad_type_id: 0,
    pad_token: token,
  };
}
