/** What a field may hold: a scalar, a list of enum names, a map of strings, free JSON, or a message of such fields. */
type Kind =
  | 'string'
  | 'bool'
  | 'number'
  | 'strings'
  | 'durations'
  | 'map'
  | 'struct'
  | 'duration'
  | readonly string[]
  | { readonly [field: string]: Kind };

const FCM_OPTIONS = { analyticsLabel: 'string' } as const;

const ANDROID_NOTIFICATION: Kind = {
  title: 'string',
  body: 'string',
  icon: 'string',
  color: 'string',
  sound: 'string',
  tag: 'string',
  clickAction: 'string',
  bodyLocKey: 'string',
  bodyLocArgs: 'strings',
  titleLocKey: 'string',
  titleLocArgs: 'strings',
  channelId: 'string',
  ticker: 'string',
  sticky: 'bool',
  eventTime: 'string',
  localOnly: 'bool',
  notificationPriority: [
    'PRIORITY_UNSPECIFIED',
    'PRIORITY_MIN',
    'PRIORITY_LOW',
    'PRIORITY_DEFAULT',
    'PRIORITY_HIGH',
    'PRIORITY_MAX',
  ],
  defaultSound: 'bool',
  defaultVibrateTimings: 'bool',
  defaultLightSettings: 'bool',
  vibrateTimings: 'durations',
  visibility: ['VISIBILITY_UNSPECIFIED', 'PRIVATE', 'PUBLIC', 'SECRET'],
  notificationCount: 'number',
  lightSettings: {
    color: { red: 'number', green: 'number', blue: 'number', alpha: 'number' },
    lightOnDuration: 'duration',
    lightOffDuration: 'duration',
  },
  image: 'string',
  bypassProxyNotification: 'bool',
  proxy: ['PROXY_UNSPECIFIED', 'ALLOW', 'DENY', 'IF_PRIORITY_LOWERED'],
};

/** google.firebase.fcm.v1.Message, as the REST reference lists it (read 2026-11). */
const MESSAGE: Kind = {
  name: 'string',
  data: 'map',
  notification: { title: 'string', body: 'string', image: 'string' },
  android: {
    collapseKey: 'string',
    priority: ['NORMAL', 'HIGH'],
    ttl: 'duration',
    restrictedPackageName: 'string',
    data: 'map',
    notification: ANDROID_NOTIFICATION,
    fcmOptions: FCM_OPTIONS,
    directBootOk: 'bool',
    bandwidthConstrainedOk: 'bool',
    restrictedSatelliteOk: 'bool',
  },
  webpush: {
    headers: 'map',
    data: 'map',
    notification: 'struct',
    fcmOptions: { link: 'string', analyticsLabel: 'string' },
  },
  apns: {
    headers: 'map',
    payload: 'struct',
    liveActivityToken: 'string',
    fcmOptions: { analyticsLabel: 'string', image: 'string' },
  },
  fcmOptions: FCM_OPTIONS,
  token: 'string',
  topic: 'string',
  condition: 'string',
  fid: 'string',
};

const REQUEST: Kind = { validateOnly: 'bool', message: MESSAGE };
const DURATION = /^-?\d{1,12}(\.\d{1,9})?s$/;

/** The first thing that is wrong with a request's shape. */
export interface FieldFault {
  field: string;
  description: string;
}

/** Checks names and types as the JSON layer in front of FCM does; snake_case and camelCase are both right. */
export function findShapeFault(request: unknown): FieldFault | undefined {
  return checkMessage(REQUEST, request, '');
}

function check(kind: Kind, value: unknown, path: string): FieldFault | undefined {
  if (value === null) return undefined;
  if (kind === 'string') return typeof value === 'string' ? undefined : wrongType(path, 'TYPE_STRING', value);
  if (kind === 'bool') return typeof value === 'boolean' ? undefined : wrongType(path, 'TYPE_BOOL', value);
  if (kind === 'number') return isNumeric(value) ? undefined : wrongType(path, 'TYPE_INT32', value);
  if (kind === 'duration') return checkDuration(value, path);
  if (kind === 'struct') return isObject(value) ? undefined : wrongType(path, 'google.protobuf.Struct', value);
  if (kind === 'map') return checkMap(value, path);
  if (kind === 'strings') return checkList(value, path, 'string');
  if (kind === 'durations') return checkList(value, path, 'duration');
  if (isEnum(kind)) {
    const isKnown = typeof value === 'string' && kind.includes(value.toUpperCase());
    return isKnown ? undefined : wrongType(path, 'TYPE_ENUM', value);
  }
  return checkMessage(kind, value, path);
}

function checkMessage(fields: Kind, value: unknown, path: string): FieldFault | undefined {
  if (!isObject(value)) return wrongType(path, 'type.googleapis.com/google.protobuf.Message', value);
  const known = fields as { readonly [field: string]: Kind };
  for (const [name, item] of Object.entries(value)) {
    const camel = name.includes('_') ? name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()) : name;
    const kind = Object.hasOwn(known, camel) ? known[camel] : undefined;
    const here = path === '' ? name : `${path}.${name}`;
    if (kind === undefined) {
      const at = path === '' ? '' : ` at '${path}'`;
      return {
        field: path,
        description: `Invalid JSON payload received. Unknown name "${name}"${at}: Cannot find field.`,
      };
    }
    const fault = check(kind, item, here);
    if (fault) return fault;
  }
  return undefined;
}

function checkMap(value: unknown, path: string): FieldFault | undefined {
  if (!isObject(value)) return wrongType(path, 'map', value);
  let index = 0;
  for (const item of Object.values(value)) {
    if (typeof item !== 'string') return wrongType(`${path}[${index}].value`, 'TYPE_STRING', item);
    index += 1;
  }
  return undefined;
}

function checkList(value: unknown, path: string, kind: 'string' | 'duration'): FieldFault | undefined {
  if (!Array.isArray(value)) return wrongType(path, 'repeated', value);
  for (const [index, item] of value.entries()) {
    const fault = check(kind, item, `${path}[${index}]`);
    if (fault) return fault;
  }
  return undefined;
}

function checkDuration(value: unknown, path: string): FieldFault | undefined {
  if (typeof value === 'string' && DURATION.test(value)) return undefined;
  const description =
    `Invalid value at '${path}' (type.googleapis.com/google.protobuf.Duration), ` +
    `Illegal duration format; duration must end with 's'`;
  return { field: path, description };
}

function wrongType(field: string, type: string, value: unknown): FieldFault {
  return { field, description: `Invalid value at '${field}' (${type}), ${JSON.stringify(value)}` };
}

function isEnum(kind: Kind): kind is readonly string[] {
  return Array.isArray(kind);
}

function isNumeric(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && value !== '' && Number.isFinite(Number(value)));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
