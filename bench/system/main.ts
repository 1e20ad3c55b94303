import type { RunSection } from '../section.js';
import { accept } from './accept.js';
import { campaign } from './campaign.js';

/** The benchmarks of the whole product, by name. */
export const runSystem = { campaign, accept } satisfies Readonly<Record<string, RunSection>>;
