import { z } from 'zod';
import { tagsSchema, topicSchema, userIdSchema } from './device.js';

/** Ids that one audience may name; more are several notifications. */
export const MAX_AUDIENCE_IDS = 1_000;
const MAX_AUDIENCE_TOPICS = 100;
const MAX_AUDIENCE_TAGS = 10;
const MAX_AUDIENCE_CODES = 50;
const MAX_CODE_CHARACTERS = 200;

/** Who is meant. Lists are distinct; several topics or users mean any of them, several tags all of them. */
export type Audience =
  | { all: true }
  | { userIds: readonly string[] }
  | { deviceIds: readonly string[] }
  | { topics: readonly string[] }
  | { tags: Readonly<Record<string, string>> }
  | FailedAudience;

/** Whom an earlier notification, which has ended, failed to reach; with `codes`: those that failed with one of them. */
export type FailedAudience = { failedOf: string; codes?: readonly string[] };

/** Names that an audience may have to be looked up together with others: a long list must not hold them up. */
const MAX_SHARED_NAMES = 20;

/** A few users or devices by name. */
export type NamedAudience = Extract<Audience, { userIds: unknown } | { deviceIds: unknown }>;

const distinct = (values: readonly string[]) => [...new Set(values)];

const KINDS = ['all', 'userIds', 'deviceIds', 'topics', 'tags', 'failedOf'] as const;

/** Codes of failures, the provider's own words or ours. */
export const codesSchema = z
  .array(z.string().min(1).max(MAX_CODE_CHARACTERS))
  .min(1)
  .max(MAX_AUDIENCE_CODES)
  .overwrite(distinct);

/** The `audience` field of a request. Parses to an {@link Audience}. */
export const audienceSchema = z
  .strictObject({
    all: z.literal(true).optional(),
    userIds: z.array(userIdSchema).min(1).max(MAX_AUDIENCE_IDS).optional(),
    deviceIds: z.array(z.guid()).min(1).max(MAX_AUDIENCE_IDS).optional(),
    topics: z.array(topicSchema).min(1).max(MAX_AUDIENCE_TOPICS).optional(),
    tags: tagsSchema
      .refine(
        (tags) => Object.keys(tags).length > 0,
        'must name at least one tag; to reach everybody, say { "all": true }',
      )
      .refine((tags) => Object.keys(tags).length <= MAX_AUDIENCE_TAGS, `must name at most ${MAX_AUDIENCE_TAGS} tags`)
      .optional(),
    failedOf: z
      .guid('must be a UUID')
      .toLowerCase()
      .optional()
      .describe('Those whom this notification, which has ended, failed to reach, and whose devices are still active'),
    codes: codesSchema.optional().describe('With `failedOf`: only those that failed with one of these codes'),
  })
  .refine((given) => given.codes === undefined || given.failedOf !== undefined, {
    path: ['codes'],
    message: 'belongs to failedOf',
  })
  .refine(
    (given) => KINDS.filter((kind) => given[kind] !== undefined).length === 1,
    `must have exactly one of ${KINDS.join(', ')}`,
  )
  .transform((given): Audience => {
    if (given.userIds) return { userIds: distinct(given.userIds) };
    if (given.deviceIds) return { deviceIds: distinct(given.deviceIds.map((id) => id.toLowerCase())) };
    if (given.topics) return { topics: distinct(given.topics) };
    if (given.tags) return { tags: given.tags };
    if (given.failedOf) return { failedOf: given.failedOf, ...(given.codes && { codes: given.codes }) };
    return { all: true };
  });

/** True for named users or devices: somebody waits for that push, so it does not queue behind campaigns. */
export function namesIndividuals(audience: Audience): boolean {
  return 'userIds' in audience || 'deviceIds' in audience;
}

/** True for so few names that their devices are found together with those of other requests. */
export function isNamedBriefly(audience: Audience): audience is NamedAudience {
  if ('userIds' in audience) return audience.userIds.length <= MAX_SHARED_NAMES;
  return 'deviceIds' in audience && audience.deviceIds.length <= MAX_SHARED_NAMES;
}
