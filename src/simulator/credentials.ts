import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { z } from 'zod';
import type { Home } from './home.js';

const FILE = 'credentials.json';

const fcmProjectSchema = z.strictObject({
  projectId: z.string().regex(/^[a-z][a-z0-9-]{3,40}$/),
  clientEmail: z.string(),
  privateKeyId: z.string(),
  /** PEM, PKCS#8. */
  privateKey: z.string(),
});

const apnsKeySchema = z.strictObject({
  keyId: z.string().regex(/^[A-Z0-9]{10}$/),
  teamId: z.string().regex(/^[A-Z0-9]{10}$/),
  bundleIds: z.array(z.string()).min(1),
  environments: z.array(z.enum(['production', 'sandbox'])).min(1),
  /** PEM, PKCS#8: the content of a `.p8` file. */
  privateKey: z.string(),
});

const storedSchema = z.strictObject({
  /** Base64; everything that is derived comes from it. */
  secret: z.string(),
  fcm: z.array(fcmProjectSchema),
  apns: z.array(apnsKeySchema),
  vapid: z.strictObject({ publicKey: z.string(), privateKey: z.string(), subject: z.string() }),
});

export type FcmProject = z.infer<typeof fcmProjectSchema>;
export type ApnsKey = z.infer<typeof apnsKeySchema>;
export type VapidKeys = z.infer<typeof storedSchema>['vapid'];

/** What `POST /__projects` takes; whatever is absent is made up. */
export const newProjectSchema = z.strictObject({
  apnsCertificate: z
    .strictObject({ bundleId: z.string().default('dev.carillon.demo'), isSandboxOnly: z.boolean().default(false) })
    .optional(),
  fcm: fcmProjectSchema.partial().optional(),
  apns: apnsKeySchema.partial().optional(),
});

/** The credentials that the simulators know as genuine, with their private halves, since tests need those. */
export class Credentials {
  private readonly publicKeys = new Map<string, KeyObject>();

  private constructor(
    private readonly home: Home,
    private readonly stored: z.infer<typeof storedSchema>,
  ) {}

  /** Those kept in `home`, or a fresh set: one project and key for use, a second of each to be wrong with. */
  static open(home: Home): Credentials {
    const kept = home.read(FILE);
    if (kept) return new Credentials(home, storedSchema.parse(JSON.parse(kept)));
    const credentials = new Credentials(home, {
      secret: randomBytes(32).toString('base64'),
      fcm: [newFcmProject({ projectId: 'carillon-demo' }), newFcmProject({ projectId: 'carillon-other' })],
      apns: [newApnsKey({ bundleIds: ['dev.carillon.demo'] }), newApnsKey({ bundleIds: ['dev.carillon.other'] })],
      vapid: newVapidKeys(),
    });
    credentials.save();
    return credentials;
  }

  /** 32 bytes. */
  get secret(): Buffer {
    return Buffer.from(this.stored.secret, 'base64');
  }

  get vapid(): VapidKeys {
    return this.stored.vapid;
  }

  get fcmProjects(): readonly FcmProject[] {
    return this.stored.fcm;
  }

  get apnsKeys(): readonly ApnsKey[] {
    return this.stored.apns;
  }

  addFcm(input: Partial<FcmProject>): FcmProject {
    const project = newFcmProject(input);
    this.stored.fcm = [...this.stored.fcm.filter((known) => known.projectId !== project.projectId), project];
    this.save();
    return project;
  }

  addApns(input: Partial<ApnsKey>): ApnsKey {
    const key = newApnsKey(input);
    this.stored.apns = [...this.stored.apns.filter((known) => known.keyId !== key.keyId), key];
    this.save();
    return key;
  }

  /** The public half of a PEM private key; parsed once. */
  publicKey(privateKey: string): KeyObject {
    let key = this.publicKeys.get(privateKey);
    if (!key) {
      key = createPublicKey(createPrivateKey(privateKey));
      this.publicKeys.set(privateKey, key);
    }
    return key;
  }

  private save(): void {
    this.home.write(FILE, JSON.stringify(this.stored, null, 2));
  }
}

/** A service account as Google's console hands it out. */
export function serviceAccountJson(project: FcmProject, tokenUri: string): Record<string, string> {
  return {
    type: 'service_account',
    project_id: project.projectId,
    private_key_id: project.privateKeyId,
    private_key: project.privateKey,
    client_email: project.clientEmail,
    client_id: clientId(project.projectId),
    token_uri: tokenUri,
    universe_domain: 'googleapis.com',
  };
}

function clientId(projectId: string): string {
  return BigInt(`0x${createHash('sha256').update(projectId).digest('hex').slice(0, 16)}`)
    .toString()
    .padStart(21, '1');
}

function newFcmProject(input: Partial<FcmProject>): FcmProject {
  const projectId = input.projectId ?? `simulated-${randomBytes(4).toString('hex')}`;
  return fcmProjectSchema.parse({
    clientEmail: `carillon@${projectId}.iam.gserviceaccount.com`,
    privateKeyId: randomBytes(20).toString('hex'),
    privateKey:
      input.privateKey ??
      generateKeyPairSync('rsa', { modulusLength: 2048 })
        .privateKey.export({ type: 'pkcs8', format: 'pem' })
        .toString(),
    ...input,
    projectId,
  });
}

function newApnsKey(input: Partial<ApnsKey>): ApnsKey {
  return apnsKeySchema.parse({
    keyId: tenCharacters(),
    teamId: tenCharacters(),
    bundleIds: ['dev.carillon.demo'],
    environments: ['production', 'sandbox'],
    privateKey:
      input.privateKey ??
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ...input,
  });
}

function newVapidKeys(): VapidKeys {
  const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  const coordinates = [jwk.x ?? '', jwk.y ?? ''].map((part) => Buffer.from(part, 'base64url'));
  return {
    publicKey: Buffer.concat([Buffer.from([4]), ...coordinates]).toString('base64url'),
    privateKey: jwk.d ?? '',
    subject: 'mailto:push@carillon.dev',
  };
}

function tenCharacters(): string {
  return randomBytes(10).toString('hex').toUpperCase().slice(0, 10);
}
