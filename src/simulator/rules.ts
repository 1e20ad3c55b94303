import { z } from 'zod';
import { type Action, actionSchema } from './actions.js';
import type { Exchange } from './exchange.js';
import type { Random } from './random.js';
import type { ListenerName, ServiceName } from './service.js';

export const ruleSchema = z.strictObject({
  match: z
    .strictObject({
      /** `fcm`, `oauth`, `apns`, `webpush`, or a listener such as `apnsSandbox` or `webpushMozilla`. */
      provider: z.string().optional(),
      target: z.string().optional(),
      /** Regular expression on the target. */
      regex: z.string().optional(),
      header: z.strictObject({ name: z.string(), value: z.string().optional() }).optional(),
      /** Only the n-th request that fits the conditions above, from 1. */
      nth: z.int().positive().optional(),
      /** Every k-th request that fits the conditions above. */
      every: z.int().positive().optional(),
      probability: z.number().min(0).max(1).optional(),
    })
    .default({}),
  /** How often it fires at most; absent: always. */
  times: z.int().positive().optional(),
  action: actionSchema,
});

export type RuleInput = z.infer<typeof ruleSchema>;

/** Who is asking, as rules see it. */
export interface RuleSubject {
  listener: ListenerName;
  service: ServiceName;
  target: string;
  exchange: Exchange;
}

interface Rule extends RuleInput {
  id: number;
  pattern?: RegExp | undefined;
  /** Requests that fitted the fixed conditions. */
  seen: number;
  fired: number;
}

/** Faults ordered by a test; the oldest rule that fits wins. */
export class Rules {
  private rules: Rule[] = [];
  private lastId = 0;

  constructor(private readonly random: Random) {}

  /** @throws SyntaxError when `match.regex` is not a regular expression */
  add(input: RuleInput): number {
    this.lastId += 1;
    const pattern = input.match.regex === undefined ? undefined : new RegExp(input.match.regex);
    this.rules.push({ ...input, id: this.lastId, pattern, seen: 0, fired: 0 });
    return this.lastId;
  }

  clear(id?: number): void {
    this.rules = id === undefined ? [] : this.rules.filter((rule) => rule.id !== id);
  }

  list(): unknown[] {
    return this.rules.map(({ pattern: _pattern, ...rule }) => rule);
  }

  /** The action for this request, if any; counts the rule as fired. */
  next(subject: RuleSubject): Action | undefined {
    for (const rule of this.rules) {
      if (rule.times !== undefined && rule.fired >= rule.times) continue;
      if (!fits(rule, subject)) continue;
      rule.seen += 1;
      if (!this.isDue(rule)) continue;
      rule.fired += 1;
      return rule.action;
    }
    return undefined;
  }

  private isDue({ match, seen }: Rule): boolean {
    if (match.nth !== undefined && seen !== match.nth) return false;
    if (match.every !== undefined && seen % match.every !== 0) return false;
    return match.probability === undefined || this.random.next() < match.probability;
  }
}

function fits({ match, pattern }: Rule, { listener, service, target, exchange }: RuleSubject): boolean {
  if (match.provider !== undefined && match.provider !== listener && match.provider !== service) return false;
  // The token endpoint shares FCM's listener; only a rule that names it means it.
  if (service === 'oauth' && match.provider !== 'oauth') return false;
  if (match.target !== undefined && match.target !== target) return false;
  if (pattern && !pattern.test(target)) return false;
  if (!match.header) return true;
  const value = exchange.headers[match.header.name.toLowerCase()];
  return value !== undefined && (match.header.value === undefined || match.header.value === value);
}
