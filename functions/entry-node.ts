// Wires store, registry, backbone, classifier and jobs into one Node server. Wiring only.

export interface NodeServerOptions {
  readonly storeUrl: string;
  readonly port: number;
  readonly host: string;
  /** Backbone id or folder; default the default backbone. Must have been pulled. */
  readonly backbone?: string;
  readonly threads?: number;
  readonly log?: (event: Record<string, unknown>) => void;
}

export interface NodeServer {
  readonly url: string;
  /** Stops accepting, finishes requests, ends jobs. */
  close(): Promise<void>;
}

export declare function startNodeServer(options: NodeServerOptions): Promise<NodeServer>;
