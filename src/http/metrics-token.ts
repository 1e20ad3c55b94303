import { timingSafeEqual } from 'node:crypto';
import type { Config } from '../config/config.js';

/** Whether a request with this `authorization` header may read the metrics. */
export function mayReadMetrics(config: Pick<Config, 'METRICS_TOKEN'>, authorization: string | undefined): boolean {
  const wanted = config.METRICS_TOKEN;
  if (wanted === undefined) return true;
  const [one, other] = [Buffer.from(/^Bearer +(.*)$/i.exec(authorization ?? '')?.[1] ?? ''), Buffer.from(wanted)];
  return one.length === other.length && timingSafeEqual(one, other);
}
