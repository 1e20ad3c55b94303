import { validateHeaderName, validateHeaderValue } from 'node:http';
import { z } from 'zod';

/** Headers that Node would refuse to send are refused when they are ordered, not in the middle of an answer. */
const headers = z.record(z.string(), z.string()).refine((given) => {
  try {
    for (const [name, value] of Object.entries(given)) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    }
    return true;
  } catch {
    return false;
  }
}, 'not a valid header');
const status = z.int().min(200).max(599);

/** What a rule, a target state or a magic target makes the simulator do. */
export const actionSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('respond'),
    status,
    reason: z.string().optional(),
    body: z.string().optional(),
    headers: headers.optional(),
    retryAfterSeconds: z.number().nonnegative().optional(),
    /** Say Retry-After as an HTTP date instead of seconds. */
    retryAfterAsDate: z.boolean().optional(),
    timestampMs: z.number().optional(),
  }),
  z
    .strictObject({
      type: z.literal('delay'),
      ms: z.number().nonnegative().optional(),
      uniform: z.strictObject({ min: z.number().nonnegative(), max: z.number().nonnegative() }).optional(),
    })
    .refine((delay) => (delay.ms === undefined) !== (delay.uniform === undefined), 'give either ms or uniform'),
  z.strictObject({ type: z.literal('hang'), when: z.enum(['before', 'after-accept']).default('before') }),
  z.strictObject({
    type: z.literal('reset'),
    when: z.enum(['before', 'after-accept']).default('before'),
    scope: z.enum(['connection', 'stream']).default('connection'),
  }),
  z.strictObject({ type: z.literal('rst'), code: z.int().min(0).max(13) }),
  z.strictObject({
    type: z.literal('goaway'),
    code: z.int().min(0).max(13).default(0),
    /** `handled`: the newest one that was acted on before; what came with it or later was not. */
    lastStreamId: z.union([z.int().nonnegative(), z.literal('handled')]).optional(),
    debug: z.string().optional(),
    graceful: z.boolean().default(true),
  }),
  z.strictObject({ type: z.literal('close') }),
  z.strictObject({ type: z.literal('html502') }),
  z.strictObject({ type: z.literal('settings'), maxConcurrentStreams: z.int().min(0) }),
  z.strictObject({ type: z.literal('halfOpen') }),
  z.strictObject({ type: z.literal('truncate') }),
]);

export type Action = z.infer<typeof actionSchema>;
export type RespondAction = Extract<Action, { type: 'respond' }>;
