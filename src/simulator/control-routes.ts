import { z } from 'zod';
import type { ControlAnswer, ControlRequest } from './control.js';
import { newProjectSchema, serviceAccountJson } from './credentials.js';
import { parseBehaviour } from './magic.js';
import { type RecordedMessage, unpackHeaders } from './recorder.js';
import { ruleSchema } from './rules.js';
import type { Simulator } from './simulator.js';
import { newPrefix, PROFILES } from './subscriptions.js';
import { targetStateSchema } from './targets.js';
import { WebpushService } from './webpush.js';

type Run = (simulator: Simulator, request: ControlRequest) => ControlAnswer | Promise<ControlAnswer>;

const subscribeSchema = z.strictObject({
  profile: z.enum(PROFILES).default('fcm'),
  /** Base64url, 65 bytes: the only key that may send; absent: any. */
  vapidKey: z
    .string()
    .refine((key) => Buffer.from(key, 'base64url').length === 65, 'not a 65-byte P-256 key')
    .optional(),
  behaviour: z
    .string()
    .refine((behaviour) => parseBehaviour('webpush', behaviour) !== undefined, 'unknown behaviour')
    .optional(),
  /** Given: that many, as `{ subscriptions: […] }`. */
  count: z.int().min(1).max(200_000).optional(),
  /** Start of the ids; equal prefixes give equal subscriptions. */
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9]{1,64}$/)
    .optional(),
});

const waitSchema = z.object({
  accepted: z.coerce.number().int().nonnegative().default(0),
  total: z.coerce.number().int().nonnegative().default(0),
  timeoutMs: z.coerce.number().int().min(0).max(120_000).default(0),
});

const filterSchema = z.object({
  target: z.string().optional(),
  provider: z.string().optional(),
  since: z.coerce.number().optional(),
  after: z.coerce.number().optional(),
  limit: z.coerce.number().int().min(1).max(100_000).default(1_000),
});

const ok = (body: unknown = { ok: true }): ControlAnswer => ({ body });

const ROUTES: Readonly<Record<string, Run>> = {
  'GET /__ca.pem': ({ ca }) => ({ type: 'application/x-pem-file', body: ca.cert }),
  'GET /__setup': (simulator) => ok(setup(simulator)),
  'GET /__stats': (simulator) => ok(stats(simulator)),
  'GET /__messages': ({ recorder }, { query }) => {
    const { target, provider, since, after, limit } = filterSchema.parse(Object.fromEntries(query));
    const found = recorder.messages({ target, service: provider, sinceMs: since, afterSeq: after, limit });
    return ok({ messages: found.map(readable) });
  },
  'GET /__messages/count': async ({ recorder }, { query }) => {
    const { accepted, total, timeoutMs } = waitSchema.parse(Object.fromEntries(query));
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const counts = recorder.counts();
      const left = deadline - performance.now();
      if ((Number(counts['accepted']) >= accepted && Number(counts['total']) >= total) || left <= 0) return ok(counts);
      await recorder.nextMessage(left);
    }
  },
  'GET /__duplicates': ({ recorder }) => ok(recorder.listDuplicates()),
  'GET /__violations': ({ recorder }) => ok(recorder.listViolations()),
  'POST /__reset': (simulator) => {
    simulator.reset();
    return ok();
  },
  'POST /__seed': ({ random }, { body }) => {
    random.seed(z.object({ seed: z.int() }).parse(body).seed);
    return ok();
  },
  'POST /__clock': ({ clock }, { body }) => {
    clock.offsetMs = z.strictObject({ offsetMs: z.number() }).parse(body).offsetMs;
    return ok({ offsetMs: clock.offsetMs, now: clock.now().toISOString() });
  },
  'GET /__settings': ({ settings }) => ok(settings.values),
  'PUT /__settings': ({ settings }, { body }) => ok(settings.update(body)),
  'GET /__rules': ({ rules }) => ok({ rules: rules.list() }),
  'POST /__rules': ({ rules }, { body }) => ok({ id: rules.add(ruleSchema.parse(body)) }),
  'DELETE /__rules': ({ rules }) => {
    rules.clear();
    return ok();
  },
  'DELETE /__rules/': ({ rules }, { rest }) => {
    rules.clear(Number(rest));
    return ok();
  },
  'GET /__targets/': ({ targets }, { rest }) => ok(targets.get(rest) ?? { state: 'unknown' }),
  'PUT /__targets/': ({ targets }, { rest, body }) => ok(targets.put(rest, targetStateSchema.parse(body))),
  'POST /__subscribe': (simulator, { body }) => ok(subscribe(simulator, subscribeSchema.parse(body))),
  'POST /__projects': (simulator, { body }) => ok(addProject(simulator, newProjectSchema.parse(body))),
  'POST /__revoke': ({ oauth }) => {
    oauth.revokeAll();
    return ok();
  },
  'GET /__canary': (simulator) => {
    simulator.canaryHits += 1;
    return ok({ canary: 'nobody should have come here' });
  },
  'POST /__canary': (simulator) => {
    simulator.canaryHits += 1;
    return ok({ canary: 'nobody should have come here' });
  },
};

/** The route of a method and path; one whose name ends in `/` takes the rest of the path as its argument. */
export function findRoute(method: string, path: string): { run: Run; rest: string } | undefined {
  const exact = `${method} ${path}`;
  if (Object.hasOwn(ROUTES, exact)) return withRun(exact, '');
  const slash = path.indexOf('/', 1) + 1;
  const open = `${method} ${path.slice(0, slash)}`;
  return slash > 0 && Object.hasOwn(ROUTES, open) ? withRun(open, path.slice(slash)) : undefined;
}

function withRun(name: string, rest: string): { run: Run; rest: string } | undefined {
  const run = ROUTES[name];
  return run && { run, rest };
}

/** Everything that an embedding needs to point a push sender at the simulators. */
function setup({ urls, credentials }: Simulator): Record<string, unknown> {
  const { fcm, apns, apnsSandbox, webpush, controlUrl, caFile } = urls;
  const accounts = credentials.fcmProjects.map((project) => serviceAccountJson(project, `${fcm}/token`));
  return {
    urls: { controlUrl, fcm, apns, apnsSandbox, webpush, caFile },
    fcm: { serviceAccount: accounts[0], other: accounts[1], all: accounts },
    apns: {
      ...credentials.apnsKeys[0],
      bundleId: credentials.apnsKeys[0]?.bundleIds[0],
      other: otherKey(credentials.apnsKeys[1]),
      all: credentials.apnsKeys,
    },
    webpush: { vapid: credentials.vapid },
  };
}

function otherKey(key: Simulator['credentials']['apnsKeys'][number] | undefined): unknown {
  return key && { ...key, bundleId: key.bundleIds[0] };
}

function addProject(simulator: Simulator, input: z.infer<typeof newProjectSchema>): Record<string, unknown> {
  const { credentials, urls } = simulator;
  const fcm = input.fcm && serviceAccountJson(credentials.addFcm(input.fcm), `${urls.fcm}/token`);
  const apns = input.apns && otherKey(credentials.addApns(input.apns));
  const identity = input.apnsCertificate && certificate(simulator, input.apnsCertificate);
  return { ...identity, ...(fcm && { fcm: { serviceAccount: fcm } }), ...(apns ? { apns } : {}) };
}

function certificate(
  { ca }: Simulator,
  { bundleId, isSandboxOnly }: { bundleId: string; isSandboxOnly: boolean },
): Record<string, unknown> {
  const { cert, key } = ca.issueApns(bundleId, isSandboxOnly);
  return { apnsCertificate: { certificate: cert, privateKey: key, bundleId } };
}

function subscribe(simulator: Simulator, input: z.infer<typeof subscribeSchema>): unknown {
  const { profile, vapidKey, behaviour, count } = input;
  const prefix = input.prefix ?? newPrefix();
  const one = (name: string): unknown => {
    const id = simulator.subscriptions.newId(name, vapidKey, behaviour);
    return simulator.subscriptions.describe(id, WebpushService.endpoint(profile, simulator.urls.webpush[profile], id));
  };
  if (count === undefined) return one(prefix);
  return { subscriptions: Array.from({ length: count }, (_, index) => one(`${prefix}-${index}`)) };
}

function stats(simulator: Simulator): Record<string, unknown> {
  const { recorder, oauth, providerTokens, vapid, stats: listeners, canaryHits } = simulator;
  return {
    ...recorder.counts(),
    listeners: Object.fromEntries([...listeners].map(([name, listener]) => [name, listener.toJson()])),
    oauthMints: oauth.mints,
    apnsTokensPerKey: providerTokens.distinctPerKey(),
    vapid: { requests: vapid.requests, distinctTokens: vapid.distinctTokens },
    canaryHits,
  };
}

function readable(message: RecordedMessage): Record<string, unknown> {
  const { status, reason, accepted, body, service, authorization: _authorization, ...rest } = message;
  const headers = unpackHeaders(message);
  return { ...rest, provider: service, verdict: { status, reason, accepted }, headers, body: decoded(body) };
}

function decoded(body: string | undefined): unknown {
  if (body === undefined || !/^\s*[{[]/.test(body)) return body;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return body;
  }
}
