/** One table. */
export interface Section {
  title: string;
  /** How it was measured and what to think of it; stands below the table. */
  note?: string;
  columns: string[];
  /** As many cells as there are columns. A row that could not be measured says why. */
  rows: string[][];
  /** What other sections and the docs refer to, by name. */
  figures?: Record<string, number>;
}

/** What every benchmark gets. */
export interface Bench {
  /** How often each contender is measured: at least five, unless {@link isQuick}. */
  rounds: number;
  /** Few messages and rounds: shows that it works; the figures mean little. */
  isQuick: boolean;
  /** Devices of the campaign, when somebody wants another number than the section's own. */
  devices?: number | undefined;
  /** Folder for V8's CPU profiles of the product's processes that are measured. */
  profileDir?: string | undefined;
  /** An empty folder of this run, removed afterwards. */
  workDir: string;
  /** Tells whoever waits what is being done. */
  say(line: string): void;
}

export type RunSection = (bench: Bench) => Promise<Section[]>;
