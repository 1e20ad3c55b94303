import type { RunSection } from '../section.js';
import { campaign } from './campaign.js';

/** The benchmarks of the whole product, by name. */
export const runSystem = { campaign } satisfies Readonly<Record<string, RunSection>>;
