import type { paths } from '../../api/schema.js';

/** What waits, who works and what is held back, in the whole installation. */
export type SystemState = paths['/v1/system']['get']['responses'][200]['content']['application/json'];

/** Milliseconds between two looks. */
export const REFRESH_MS = 2_000;
