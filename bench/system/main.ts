import type { RunSection } from '../section.js';
import { accept } from './accept.js';
import { campaign } from './campaign.js';
import { push } from './push.js';
import { sizes } from './sizes.js';
import { slow } from './slow.js';

/** The benchmarks of the whole product, by name. */
export const runSystem = { campaign, sizes, accept, push, slow } satisfies Readonly<Record<string, RunSection>>;
