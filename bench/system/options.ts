import { resolve } from 'node:path';
import type { Bench } from '../section.js';

/** Overrides for whoever works on one part and wants to measure often. */
interface Overrides {
  /** Devices of the campaign. */
  devices: number;
  /** Folder for a V8 CPU profile of each worker, or of the api where that is what is measured. */
  profileDir: string | undefined;
}

const CAMPAIGN_DEVICES = 1_000_000;
const QUICK_CAMPAIGN_DEVICES = 50_000;

/** `BENCH_DEVICES` and `BENCH_PROFILE` of the environment. */
export function overridesOf(bench: Bench, env: NodeJS.ProcessEnv = process.env): Overrides {
  const devices = Number(env['BENCH_DEVICES'] ?? (bench.isQuick ? QUICK_CAMPAIGN_DEVICES : CAMPAIGN_DEVICES));
  if (!Number.isInteger(devices) || devices < 1) throw new Error('BENCH_DEVICES must be a whole number');
  const profileDir = env['BENCH_PROFILE'];
  return { devices, profileDir: profileDir === undefined ? undefined : resolve(profileDir) };
}

/** The environment by which a process writes a profile when it ends. */
export function profiling(dir: string | undefined): Record<string, string> {
  return dir === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${dir}` };
}
