import type { RunSection } from '../section.js';
import { accept } from './accept.js';
import { campaign } from './campaign.js';
import { push } from './push.js';

/** The benchmarks of the whole product, by name. */
export const runSystem = { campaign, accept, push } satisfies Readonly<Record<string, RunSection>>;
