// Generated from /openapi.json by `npm test -- test/integration/console-types.spec.ts -u`. Do not edit.

export interface paths {
  '/v1/accounts': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** List the accounts of the console */
    get: {
      parameters: { query?: { cursor?: string; limit?: number }; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            items: {
              id: string;
              email: string;
              name: string;
              role: "viewer" | "operator" | "owner";
              isDisabled: boolean;
              hasPassword: boolean;
              createdAt: string;
              lastSignInAt: string | null;
            }[];
            nextCursor: string | null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    /** Make an account */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { 'application/json': { email: string; name?: string; role: "viewer" | "operator" | "owner"; password?: string } } };
      responses: {
        201: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            email: string;
            name: string;
            role: "viewer" | "operator" | "owner";
            isDisabled: boolean;
            hasPassword: boolean;
            createdAt: string;
            lastSignInAt: string | null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/accounts/{id}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    post?: never;
    /** Remove an account with its sessions */
    delete: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        204: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    /** Change an account; another role, or none at all, ends its sessions */
    patch: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody: { content: { 'application/json': {
            email?: string;
            name?: string;
            role?: "viewer" | "operator" | "owner";
            isDisabled?: boolean;
            password?: null;
          } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            email: string;
            name: string;
            role: "viewer" | "operator" | "owner";
            isDisabled: boolean;
            hasPassword: boolean;
            createdAt: string;
            lastSignInAt: string | null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
  };
  '/v1/accounts/{id}/sign-in-links': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** Make a link that signs in once; the one before it ends */
    post: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        201: { headers: { [name: string]: unknown }; content: { 'application/json': { url: string; expiresAt: string } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/applications': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** List applications */
    get: {
      parameters: { query?: { cursor?: string; limit?: number }; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            items: {
              id: string;
              name: string;
              userTokenPublicKey: string | null;
              requireUserToken: boolean;
              corsOrigins: string[];
              createdAt: string;
            }[];
            nextCursor: string | null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    /** Make an application */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { 'application/json': { name: string; userTokenPublicKey?: string | null; requireUserToken?: boolean; corsOrigins?: string[] } } };
      responses: {
        201: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            name: string;
            userTokenPublicKey: string | null;
            requireUserToken: boolean;
            corsOrigins: string[];
            createdAt: string;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/applications/{id}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Read an application */
    get: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            name: string;
            userTokenPublicKey: string | null;
            requireUserToken: boolean;
            corsOrigins: string[];
            createdAt: string;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    /** Remove an application with its keys, credentials and devices */
    delete: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        204: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    /** Change the settings of an application */
    patch: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody: { content: { 'application/json': { name?: string; userTokenPublicKey?: string | null; requireUserToken?: boolean; corsOrigins?: string[] } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            name: string;
            userTokenPublicKey: string | null;
            requireUserToken: boolean;
            corsOrigins: string[];
            createdAt: string;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
  };
  '/v1/applications/{id}/credentials': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** List credentials, without secrets */
    get: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            items: {
              provider: "fcm" | "apns" | "webpush";
              version: number;
              state: "ok" | "broken";
              stateReason: string | null;
              fingerprint: string;
              simulated: boolean;
              createdAt: string;
            }[];
            nextCursor: null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/applications/{id}/credentials/{provider}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Read a credential, without its secret */
    get: {
      parameters: { query?: never; header?: never; path: { id: string; provider: "fcm" | "apns" | "webpush" }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            provider: "fcm" | "apns" | "webpush";
            version: number;
            state: "ok" | "broken";
            stateReason: string | null;
            fingerprint: string;
            simulated: boolean;
            createdAt: string;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    /** Store a credential; it replaces the old one at once */
    put: {
      parameters: { query?: never; header?: never; path: { id: string; provider: "fcm" | "apns" | "webpush" }; cookie?: never };
      requestBody: { content: { 'application/json': { simulated?: boolean } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            provider: "fcm" | "apns" | "webpush";
            version: number;
            state: "ok" | "broken";
            stateReason: string | null;
            fingerprint: string;
            simulated: boolean;
            createdAt: string;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    post?: never;
    /** Remove a credential, older key pairs included */
    delete: {
      parameters: { query?: never; header?: never; path: { id: string; provider: "fcm" | "apns" | "webpush" }; cookie?: never };
      requestBody?: never;
      responses: {
        204: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    patch?: never;
  };
  '/v1/applications/{id}/credentials/{provider}/verify': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** Try a credential against its provider, without sending */
    post: {
      parameters: { query?: never; header?: never; path: { id: string; provider: "fcm" | "apns" | "webpush" }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': { state: "ok" | "broken"; ok: boolean; code: string; detail: string | null } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/applications/{id}/keys': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** List API keys, without the keys themselves */
    get: {
      parameters: { query?: { cursor?: string; limit?: number }; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            items: {
              id: string;
              role: "client" | "server" | "admin";
              name: string;
              prefix: string;
              createdAt: string;
              expiresAt: string | null;
              revokedAt: string | null;
              lastUsedAt: string | null;
            }[];
            nextCursor: string | null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    /** Make an API key; it is shown this once */
    post: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody: { content: { 'application/json': { role: "client" | "server" | "admin"; name?: string; expiresAt?: string | null } } };
      responses: {
        201: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            role: "client" | "server" | "admin";
            name: string;
            prefix: string;
            createdAt: string;
            expiresAt: string | null;
            revokedAt: string | null;
            lastUsedAt: string | null;
            key: string;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/applications/{id}/keys/{keyId}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    post?: never;
    /** Revoke an API key; in force within five seconds */
    delete: {
      parameters: { query?: never; header?: never; path: { id: string; keyId: string }; cookie?: never };
      requestBody?: never;
      responses: {
        204: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    patch?: never;
  };
  '/v1/applications/{id}/overview': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Show whether an application works, and what stands in its way */
    get: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            at: string;
            minutes: { at: string; attempts: number; accepted: number; failed: number; retried: number; p95Ms: number | null }[];
            perSecond: number;
            successRate: number | null;
            latencyMs: { p50: number; p95: number; p99: number } | null;
            providers: {
              provider: "fcm" | "apns" | "webpush";
              attempts: number;
              accepted: number;
              failed: number;
              perSecond: number;
              latencyMs: { p50: number; p95: number; p99: number } | null;
            }[];
            lanes: {
              lane: "critical" | "normal" | "bulk";
              due: number;
              sending: number;
              waiting: number;
              paused: number;
              oldestDueSeconds: number | null;
              perSecond: number;
            }[];
            gates: {
              provider: "fcm" | "apns" | "webpush";
              scope: string;
              state: "half_open" | "closed";
              kind: "throttled" | "breaker" | "credential";
              reason: string;
              closedUntil: string;
              changedAt: string;
              since: string;
              advice: string;
            }[];
            credentials: {
              provider: "fcm" | "apns" | "webpush";
              state: "ok" | "broken";
              reason: string | null;
              advice: string | null;
              expiresAt: string | null;
            }[];
            failures: {
              provider: "fcm" | "apns" | "webpush";
              code: string;
              outcome: string;
              attempts: number;
              lastAt: string;
              advice: string;
            }[];
            webhooks: { id: string; url: string; failingSince: string }[];
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/applications/{id}/overview/stream': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** Let somebody watch the overview: it comes every second over realtime */
    post: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': { token: string; channel: string; expiresAt: string } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/applications/{id}/stats': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Count the provider calls of an application over time */
    get: {
      parameters: { query?: { from?: string; to?: string; bucketSeconds?: number }; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            from: string;
            to: string;
            bucketSeconds: number;
            totals: {
              attempts: number;
              outcomes: { [name: string]: number };
              providers: { [name: string]: { attempts: number; outcomes: { [name: string]: number } } };
              codes: { provider: "fcm" | "apns" | "webpush"; outcome: string; code: string; attempts: number }[];
              latencyMs: { mean: number; p50: number; p90: number; p95: number; p99: number } | null;
            };
            buckets: {
              at: string;
              attempts: number;
              outcomes: { [name: string]: number };
              providers: { [name: string]: { attempts: number; outcomes: { [name: string]: number } } };
              codes: { provider: "fcm" | "apns" | "webpush"; outcome: string; code: string; attempts: number }[];
              latencyMs: { mean: number; p50: number; p90: number; p95: number; p99: number } | null;
            }[];
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/applications/{id}/webpush/public-key': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** The VAPID public key with which browsers subscribe */
    get: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': { publicKey: string } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/audit': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Administrative changes: who changed what, and when */
    get: {
      parameters: { query?: { cursor?: string; limit?: number; applicationId?: string; accountId?: string; subject?: string; by?: string; action?: string }; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            items: {
              id: number;
              at: string;
              keyId: string;
              accountId: string | null;
              accountEmail: string | null;
              applicationId: string | null;
              action: string;
              subject: string;
            }[];
            nextCursor: string | null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/deliveries': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Search the deliveries of all notifications */
    get: {
      parameters: { query?: { cursor?: string; limit?: number; status?: "pending" | "accepted" | "failed" | "expired" | "cancelled" | "suppressed" | "unknown"; provider?: "fcm" | "apns" | "webpush"; code?: string; userId?: string; from?: string; to?: string; applicationId?: string }; header?: { 'accept-language'?: string }; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            items: {
              notificationId: string;
              deviceId: string | null;
              userId: string | null;
              provider: "fcm" | "apns" | "webpush";
              status: "pending" | "accepted" | "failed" | "expired" | "cancelled" | "suppressed" | "unknown";
              attempts: {
                number: number;
                at: string;
                outcome: string | null;
                code: string;
                providerMessageId: string | null;
                latencyMs: number | null;
                detail: string | null;
                explanation: { meaning: string; action: string };
              }[];
              nextAttemptAt: string | null;
              receipts: { type: "delivered" | "displayed" | "opened" | "dismissed"; at: string }[];
              explanation: {
                severity: "ok" | "waiting" | "problem" | "info";
                title: string;
                meaning: string;
                action: string;
                nextSteps: string[];
              };
            }[];
            nextCursor: string | null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/deliveries/export': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Export what a search finds as CSV or NDJSON */
    get: {
      parameters: { query?: { status?: "pending" | "accepted" | "failed" | "expired" | "cancelled" | "suppressed" | "unknown"; provider?: "fcm" | "apns" | "webpush"; code?: string; userId?: string; from?: string; to?: string; format?: "csv" | "ndjson"; applicationId?: string }; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/deliveries/why': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Find out why a device did or did not ring */
    get: {
      parameters: { query?: { userId?: string; deviceId?: string; at?: string; windowSeconds?: number; applicationId?: string }; header?: { 'accept-language'?: string }; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            from: string;
            to: string;
            items: {
              notificationId: string;
              deviceId: string | null;
              userId: string | null;
              provider: "fcm" | "apns" | "webpush";
              status: "pending" | "accepted" | "failed" | "expired" | "cancelled" | "suppressed" | "unknown";
              attempts: {
                number: number;
                at: string;
                outcome: string | null;
                code: string;
                providerMessageId: string | null;
                latencyMs: number | null;
                detail: string | null;
                explanation: { meaning: string; action: string };
              }[];
              nextAttemptAt: string | null;
              receipts: { type: "delivered" | "displayed" | "opened" | "dismissed"; at: string }[];
              explanation: {
                severity: "ok" | "waiting" | "problem" | "info";
                title: string;
                meaning: string;
                action: string;
                nextSteps: string[];
              };
            }[];
            devices: {
              id: string;
              provider: "fcm" | "apns" | "webpush";
              status: "active" | "invalid" | "refused";
              tokenFingerprint: string;
              environment: ("production" | "sandbox") | null;
              vapidPublicKey: string | null;
              userId: string | null;
              topics: string[];
              tags: { [name: string]: string };
              locale: string | null;
              timeZone: string | null;
              appVersion: string | null;
              registeredAt: string;
              invalidAt: string | null;
              invalidReason: string | null;
              explanation: {
                severity: "ok" | "waiting" | "problem" | "info";
                title: string;
                meaning: string;
                action: string;
                nextSteps: string[];
              };
            }[];
            isTruncated: boolean;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/devices': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** List devices */
    get: {
      parameters: { query?: { cursor?: string; limit?: number; userId?: string; topic?: string; provider?: "fcm" | "apns" | "webpush"; status?: "active" | "invalid" | "refused"; tokenFingerprint?: string; applicationId?: string }; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            items: {
              id: string;
              provider: "fcm" | "apns" | "webpush";
              status: "active" | "invalid" | "refused";
              tokenFingerprint: string;
              environment: ("production" | "sandbox") | null;
              vapidPublicKey: string | null;
              userId: string | null;
              topics: string[];
              tags: { [name: string]: string };
              locale: string | null;
              timeZone: string | null;
              appVersion: string | null;
              registeredAt: string;
              invalidAt: string | null;
              invalidReason: string | null;
            }[];
            nextCursor: string | null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    /** Register a device, or refresh a known one */
    post: {
      parameters: { query?: { applicationId?: string }; header?: { 'x-device-secret'?: string }; path?: never; cookie?: never };
      requestBody: { content: { 'application/json': {
            provider: "fcm" | "apns" | "webpush";
            token: string | { [name: string]: unknown };
            environment?: "production" | "sandbox";
            vapidPublicKey?: string;
            userId?: string | null;
            topics?: string[];
            tags?: { [name: string]: string };
            locale?: string | null;
            timeZone?: string | null;
            appVersion?: string | null;
            userToken?: string;
          } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            provider: "fcm" | "apns" | "webpush";
            status: "active" | "invalid" | "refused";
            tokenFingerprint: string;
            environment: ("production" | "sandbox") | null;
            vapidPublicKey: string | null;
            userId: string | null;
            topics: string[];
            tags: { [name: string]: string };
            locale: string | null;
            timeZone: string | null;
            appVersion: string | null;
            registeredAt: string;
            invalidAt: string | null;
            invalidReason: string | null;
            deviceSecret?: string;
          } } };
        201: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            provider: "fcm" | "apns" | "webpush";
            status: "active" | "invalid" | "refused";
            tokenFingerprint: string;
            environment: ("production" | "sandbox") | null;
            vapidPublicKey: string | null;
            userId: string | null;
            topics: string[];
            tags: { [name: string]: string };
            locale: string | null;
            timeZone: string | null;
            appVersion: string | null;
            registeredAt: string;
            invalidAt: string | null;
            invalidReason: string | null;
            deviceSecret?: string;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/devices/{id}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Read a device */
    get: {
      parameters: { query?: { applicationId?: string }; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            provider: "fcm" | "apns" | "webpush";
            status: "active" | "invalid" | "refused";
            tokenFingerprint: string;
            environment: ("production" | "sandbox") | null;
            vapidPublicKey: string | null;
            userId: string | null;
            topics: string[];
            tags: { [name: string]: string };
            locale: string | null;
            timeZone: string | null;
            appVersion: string | null;
            registeredAt: string;
            invalidAt: string | null;
            invalidReason: string | null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    /** Remove a device */
    delete: {
      parameters: { query?: { applicationId?: string }; header?: { 'x-device-secret'?: string }; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        204: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    /** Change a device, or give it the token that the provider rotated to */
    patch: {
      parameters: { query?: { applicationId?: string }; header?: { 'x-device-secret'?: string }; path: { id: string }; cookie?: never };
      requestBody: { content: { 'application/json': {
            token?: string | { [name: string]: unknown };
            environment?: "production" | "sandbox";
            vapidPublicKey?: string;
            userId?: string | null;
            topics?: string[];
            tags?: { [name: string]: string };
            locale?: string | null;
            timeZone?: string | null;
            appVersion?: string | null;
            userToken?: string;
          } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            provider: "fcm" | "apns" | "webpush";
            status: "active" | "invalid" | "refused";
            tokenFingerprint: string;
            environment: ("production" | "sandbox") | null;
            vapidPublicKey: string | null;
            userId: string | null;
            topics: string[];
            tags: { [name: string]: string };
            locale: string | null;
            timeZone: string | null;
            appVersion: string | null;
            registeredAt: string;
            invalidAt: string | null;
            invalidReason: string | null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
  };
  '/v1/devices/{id}/deliveries': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** List what a device was sent */
    get: {
      parameters: { query?: { cursor?: string; limit?: number; applicationId?: string }; header?: { 'accept-language'?: string }; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            items: {
              notificationId: string;
              deviceId: string | null;
              userId: string | null;
              provider: "fcm" | "apns" | "webpush";
              status: "pending" | "accepted" | "failed" | "expired" | "cancelled" | "suppressed" | "unknown";
              attempts: {
                number: number;
                at: string;
                outcome: string | null;
                code: string;
                providerMessageId: string | null;
                latencyMs: number | null;
                detail: string | null;
                explanation: { meaning: string; action: string };
              }[];
              nextAttemptAt: string | null;
              receipts: { type: "delivered" | "displayed" | "opened" | "dismissed"; at: string }[];
              explanation: {
                severity: "ok" | "waiting" | "problem" | "info";
                title: string;
                meaning: string;
                action: string;
                nextSteps: string[];
              };
            }[];
            nextCursor: string | null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/devices/{id}/history': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** List what happened to a device, also to one that was removed */
    get: {
      parameters: { query?: { cursor?: string; limit?: number; applicationId?: string }; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            items: {
              at: string;
              event: "registered" | "token_changed" | "user_changed" | "invalidated" | "refused" | "restored" | "revived" | "deleted";
              detail: string | null;
            }[];
            nextCursor: string | null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/devices/bulk': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** Register up to 10,000 devices, one JSON object per line */
    post: {
      parameters: { query?: { applicationId?: string }; header?: never; path?: never; cookie?: never };
      requestBody: { content: { 'application/x-ndjson': unknown } };
      responses: {
        200: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/notifications': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** List notifications, newest first */
    get: {
      parameters: { query?: { cursor?: string; limit?: number; status?: "scheduled" | "planning" | "sending" | "paused" | "completed" | "cancelled"; lane?: "critical" | "normal" | "bulk"; from?: string; to?: string; text?: string; applicationId?: string }; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            items: {
              id: string;
              status: "scheduled" | "planning" | "sending" | "paused" | "completed" | "cancelled";
              lane: "critical" | "normal" | "bulk";
              audience: { [name: string]: unknown };
              content: {
                title?: string;
                body?: string;
                imageUrl?: string;
                clickUrl?: string;
                badge?: number;
                sound?: string;
                data?: { [name: string]: string };
              };
              options: { [name: string]: unknown };
              counts: {
                planned: number;
                pending: number;
                accepted: number;
                failed: number;
                expired: number;
                cancelled: number;
                suppressed: number;
                unknown: number;
                retried: number;
              };
              progress: number;
              createdAt: string;
              sendAt: string;
              expiresAt: string;
              firstAttemptAt: string | null;
              completedAt: string | null;
            }[];
            nextCursor: string | null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    /** Accept a notification */
    post: {
      parameters: { query?: { applicationId?: string }; header?: { 'idempotency-key'?: string }; path?: never; cookie?: never };
      requestBody: { content: { 'application/json': {
            audience: {
              all?: true;
              userIds?: string[];
              deviceIds?: string[];
              topics?: string[];
              tags?: { [name: string]: string };
              failedOf?: string;
              codes?: string[];
            };
            content: {
              title?: string;
              body?: string;
              imageUrl?: string;
              clickUrl?: string;
              badge?: number;
              sound?: string;
              data?: { [name: string]: string };
            };
            options?: {
              ttlSeconds?: number;
              priority?: "high" | "normal";
              collapseKey?: string;
              sendAt?: string;
              lane?: "critical" | "normal" | "bulk";
              semantics?: "at_least_once" | "at_most_once";
              realtime?: "also" | "first" | "only" | "never";
              realtimeWaitSeconds?: number;
              dryRun?: boolean;
            };
            overrides?: {
              fcm?: { [name: string]: unknown };
              apns?: { [name: string]: unknown };
              webpush?: { [name: string]: unknown };
            };
          } } };
      responses: {
        202: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            status: "scheduled" | "planning" | "sending" | "paused" | "completed" | "cancelled";
            lane: "critical" | "normal" | "bulk";
            createdAt: string;
            dryRun?: {
              devices: { fcm: number; apns: number; webpush: number };
              providers: { [name: string]: { outcome: string; code: string } };
            };
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/notifications/{id}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Read a notification */
    get: {
      parameters: { query?: { applicationId?: string }; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            status: "scheduled" | "planning" | "sending" | "paused" | "completed" | "cancelled";
            lane: "critical" | "normal" | "bulk";
            audience: { [name: string]: unknown };
            content: {
              title?: string;
              body?: string;
              imageUrl?: string;
              clickUrl?: string;
              badge?: number;
              sound?: string;
              data?: { [name: string]: string };
            };
            options: { [name: string]: unknown };
            counts: {
              planned: number;
              pending: number;
              accepted: number;
              failed: number;
              expired: number;
              cancelled: number;
              suppressed: number;
              unknown: number;
              retried: number;
              delivered: number;
              displayed: number;
              opened: number;
              dismissed: number;
              live: number;
            };
            progress: number;
            createdAt: string;
            sendAt: string;
            expiresAt: string;
            firstAttemptAt: string | null;
            completedAt: string | null;
            overrides: { [name: string]: unknown };
            blockedBy: { provider: "fcm" | "apns" | "webpush"; reason: string; until: string; scope?: string }[];
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/notifications/{id}/cancel': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** End what is not sent yet */
    post: {
      parameters: { query?: { applicationId?: string }; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            status: "scheduled" | "planning" | "sending" | "paused" | "completed" | "cancelled";
            lane: "critical" | "normal" | "bulk";
            audience: { [name: string]: unknown };
            content: {
              title?: string;
              body?: string;
              imageUrl?: string;
              clickUrl?: string;
              badge?: number;
              sound?: string;
              data?: { [name: string]: string };
            };
            options: { [name: string]: unknown };
            counts: {
              planned: number;
              pending: number;
              accepted: number;
              failed: number;
              expired: number;
              cancelled: number;
              suppressed: number;
              unknown: number;
              retried: number;
              delivered: number;
              displayed: number;
              opened: number;
              dismissed: number;
              live: number;
            };
            progress: number;
            createdAt: string;
            sendAt: string;
            expiresAt: string;
            firstAttemptAt: string | null;
            completedAt: string | null;
            overrides: { [name: string]: unknown };
            blockedBy: { provider: "fcm" | "apns" | "webpush"; reason: string; until: string; scope?: string }[];
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/notifications/{id}/deliveries': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** List the deliveries of a notification with their attempts, pending ones included */
    get: {
      parameters: { query?: { cursor?: string; limit?: number; status?: "pending" | "accepted" | "failed" | "expired" | "cancelled" | "suppressed" | "unknown"; provider?: "fcm" | "apns" | "webpush"; code?: string; applicationId?: string }; header?: { 'accept-language'?: string }; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            items: {
              notificationId: string;
              deviceId: string | null;
              userId: string | null;
              provider: "fcm" | "apns" | "webpush";
              status: "pending" | "accepted" | "failed" | "expired" | "cancelled" | "suppressed" | "unknown";
              attempts: {
                number: number;
                at: string;
                outcome: string | null;
                code: string;
                providerMessageId: string | null;
                latencyMs: number | null;
                detail: string | null;
                explanation: { meaning: string; action: string };
              }[];
              nextAttemptAt: string | null;
              receipts: { type: "delivered" | "displayed" | "opened" | "dismissed"; at: string }[];
              explanation: {
                severity: "ok" | "waiting" | "problem" | "info";
                title: string;
                meaning: string;
                action: string;
                nextSteps: string[];
              };
            }[];
            nextCursor: string | null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/notifications/{id}/deliveries/{deviceId}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Read one delivery with its request, compiled again, and its explanation */
    get: {
      parameters: { query?: { applicationId?: string }; header?: { 'accept-language'?: string }; path: { id: string; deviceId: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            notificationId: string;
            deviceId: string | null;
            userId: string | null;
            provider: "fcm" | "apns" | "webpush";
            status: "pending" | "accepted" | "failed" | "expired" | "cancelled" | "suppressed" | "unknown";
            attempts: {
              number: number;
              at: string;
              outcome: string | null;
              code: string;
              providerMessageId: string | null;
              latencyMs: number | null;
              detail: string | null;
              explanation: { meaning: string; action: string };
            }[];
            nextAttemptAt: string | null;
            receipts: { type: "delivered" | "displayed" | "opened" | "dismissed"; at: string }[];
            explanation: {
              severity: "ok" | "waiting" | "problem" | "info";
              title: string;
              meaning: string;
              action: string;
              nextSteps: string[];
            };
            request: {
              method: string;
              url: string;
              headers: { [name: string]: string };
              body: unknown;
              payloadBytes: number;
              recompiled: true;
            } | null;
            notification: {
              status: "scheduled" | "planning" | "sending" | "paused" | "completed" | "cancelled";
              content: {
                title?: string;
                body?: string;
                imageUrl?: string;
                clickUrl?: string;
                badge?: number;
                sound?: string;
                data?: { [name: string]: string };
              };
              createdAt: string;
              sendAt: string;
              expiresAt: string;
            };
            device: {
              id: string;
              provider: "fcm" | "apns" | "webpush";
              status: "active" | "invalid" | "refused";
              tokenFingerprint: string;
              environment: ("production" | "sandbox") | null;
              vapidPublicKey: string | null;
              userId: string | null;
              topics: string[];
              tags: { [name: string]: string };
              locale: string | null;
              timeZone: string | null;
              appVersion: string | null;
              registeredAt: string;
              invalidAt: string | null;
              invalidReason: string | null;
            };
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/notifications/{id}/deliveries/export': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Export the deliveries of a notification as CSV or NDJSON */
    get: {
      parameters: { query?: { status?: "pending" | "accepted" | "failed" | "expired" | "cancelled" | "suppressed" | "unknown"; provider?: "fcm" | "apns" | "webpush"; code?: string; format?: "csv" | "ndjson"; applicationId?: string }; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/notifications/{id}/failures': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Count what ended otherwise than accepted, by code, and say what the codes mean */
    get: {
      parameters: { query?: { applicationId?: string }; header?: { 'accept-language'?: string }; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            items: {
              provider: "fcm" | "apns" | "webpush";
              code: string;
              status: "failed" | "expired" | "cancelled" | "suppressed" | "unknown";
              deliveries: number;
              explanation: { title: string; meaning: string; nextSteps: string[] };
            }[];
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/notifications/{id}/pause': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** Hold back what is not sent yet; its TTL runs on */
    post: {
      parameters: { query?: { applicationId?: string }; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            status: "scheduled" | "planning" | "sending" | "paused" | "completed" | "cancelled";
            lane: "critical" | "normal" | "bulk";
            audience: { [name: string]: unknown };
            content: {
              title?: string;
              body?: string;
              imageUrl?: string;
              clickUrl?: string;
              badge?: number;
              sound?: string;
              data?: { [name: string]: string };
            };
            options: { [name: string]: unknown };
            counts: {
              planned: number;
              pending: number;
              accepted: number;
              failed: number;
              expired: number;
              cancelled: number;
              suppressed: number;
              unknown: number;
              retried: number;
              delivered: number;
              displayed: number;
              opened: number;
              dismissed: number;
              live: number;
            };
            progress: number;
            createdAt: string;
            sendAt: string;
            expiresAt: string;
            firstAttemptAt: string | null;
            completedAt: string | null;
            overrides: { [name: string]: unknown };
            blockedBy: { provider: "fcm" | "apns" | "webpush"; reason: string; until: string; scope?: string }[];
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/notifications/{id}/resume': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** Go on after a pause */
    post: {
      parameters: { query?: { applicationId?: string }; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            status: "scheduled" | "planning" | "sending" | "paused" | "completed" | "cancelled";
            lane: "critical" | "normal" | "bulk";
            audience: { [name: string]: unknown };
            content: {
              title?: string;
              body?: string;
              imageUrl?: string;
              clickUrl?: string;
              badge?: number;
              sound?: string;
              data?: { [name: string]: string };
            };
            options: { [name: string]: unknown };
            counts: {
              planned: number;
              pending: number;
              accepted: number;
              failed: number;
              expired: number;
              cancelled: number;
              suppressed: number;
              unknown: number;
              retried: number;
              delivered: number;
              displayed: number;
              opened: number;
              dismissed: number;
              live: number;
            };
            progress: number;
            createdAt: string;
            sendAt: string;
            expiresAt: string;
            firstAttemptAt: string | null;
            completedAt: string | null;
            overrides: { [name: string]: unknown };
            blockedBy: { provider: "fcm" | "apns" | "webpush"; reason: string; until: string; scope?: string }[];
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/notifications/{id}/retry-failed': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** Send it again to those whom it failed to reach */
    post: {
      parameters: { query?: { applicationId?: string }; header?: { 'idempotency-key'?: string }; path: { id: string }; cookie?: never };
      requestBody?: { content: { 'application/json': { codes?: string[] } } };
      responses: {
        202: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            status: "scheduled" | "planning" | "sending" | "paused" | "completed" | "cancelled";
            lane: "critical" | "normal" | "bulk";
            createdAt: string;
            dryRun?: {
              devices: { fcm: number; apns: number; webpush: number };
              providers: { [name: string]: { outcome: string; code: string } };
            };
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/notifications/{id}/timeline': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Tell what happened to a notification as a whole */
    get: {
      parameters: { query?: { applicationId?: string }; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            items: {
              at: string;
              kind: "accepted" | "scheduled" | "planning" | "planned" | "first_attempt" | "paused" | "resumed" | "cancelled" | "provider_stopped" | "gate_closed" | "gate_opened" | "expired" | "completed";
              by?: string;
              detail?: { [name: string]: string | number };
            }[];
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/notifications/audience': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** Measure an audience before sending to it */
    post: {
      parameters: { query?: { applicationId?: string }; header?: never; path?: never; cookie?: never };
      requestBody: { content: { 'application/json': {
            audience: {
              all?: true;
              userIds?: string[];
              deviceIds?: string[];
              topics?: string[];
              tags?: { [name: string]: string };
              failedOf?: string;
              codes?: string[];
            };
          } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': { devices: { fcm: number; apns: number; webpush: number }; total: number; isEstimate: boolean } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/notifications/preview': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** Show the exact request for each provider */
    post: {
      parameters: { query?: { applicationId?: string }; header?: never; path?: never; cookie?: never };
      requestBody: { content: { 'application/json': {
            audience?: {
              all?: true;
              userIds?: string[];
              deviceIds?: string[];
              topics?: string[];
              tags?: { [name: string]: string };
              failedOf?: string;
              codes?: string[];
            };
            content: {
              title?: string;
              body?: string;
              imageUrl?: string;
              clickUrl?: string;
              badge?: number;
              sound?: string;
              data?: { [name: string]: string };
            };
            options?: {
              ttlSeconds?: number;
              priority?: "high" | "normal";
              collapseKey?: string;
              sendAt?: string;
              lane?: "critical" | "normal" | "bulk";
              semantics?: "at_least_once" | "at_most_once";
              realtime?: "also" | "first" | "only" | "never";
              realtimeWaitSeconds?: number;
              dryRun?: boolean;
            };
            overrides?: {
              fcm?: { [name: string]: unknown };
              apns?: { [name: string]: unknown };
              webpush?: { [name: string]: unknown };
            };
          } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            fcm?: { method: string; url: string; headers: { [name: string]: string }; body: unknown; payloadBytes: number };
            apns?: { method: string; url: string; headers: { [name: string]: string }; body: unknown; payloadBytes: number };
            webpush?: { method: string; url: string; headers: { [name: string]: string }; body: unknown; payloadBytes: number };
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/realtime/acknowledgements': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** Say that notifications were shown on an open screen; needs a realtime token */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { 'application/json': { notificationId?: string; notificationIds?: string[] } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': { suppressed: boolean; items: { notificationId: string; acknowledged: boolean; suppressed: boolean }[] } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/realtime/channels/{channel}/messages': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** Publish a message to a channel */
    post: {
      parameters: { query?: { applicationId?: string }; header?: never; path: { channel: string }; cookie?: never };
      requestBody: { content: { 'application/json': { event: string; data: unknown } } };
      responses: {
        201: { headers: { [name: string]: unknown }; content: { 'application/json': { id: string } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/realtime/channels/{channel}/presence': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Who is present in a channel */
    get: {
      parameters: { query?: { applicationId?: string }; header?: never; path: { channel: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': { users: { userId: string; since: string }[]; count: number } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/realtime/events': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Follow channels as server-sent events; needs a realtime token or a ticket */
    get: {
      parameters: { query: { channels: string; ticket?: string; after?: string }; header?: { 'last-event-id'?: string }; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content?: never };
        204: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/realtime/poll': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Wait for messages of channels; needs a realtime token */
    get: {
      parameters: { query: { channels: string; after?: string; waitSeconds?: number }; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': { messages: { id: string; channel: string; event: string; data: unknown; at: string }[]; cursor: string } } };
        204: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/realtime/tickets': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** Get a ticket for an EventSource; needs a realtime token */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        201: { headers: { [name: string]: unknown }; content: { 'application/json': { ticket: string; expiresAt: string } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/realtime/tokens': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** Let a user follow channels */
    post: {
      parameters: { query?: { applicationId?: string }; header?: never; path?: never; cookie?: never };
      requestBody: { content: { 'application/json': { userId: string; channels?: string[]; publish?: string[]; presence?: string[]; ttlSeconds?: number } } };
      responses: {
        201: { headers: { [name: string]: unknown }; content: { 'application/json': { token: string; jti: string; expiresAt: string } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    /** Revoke one realtime token, or all of a user */
    delete: {
      parameters: { query?: { applicationId?: string }; header?: never; path?: never; cookie?: never };
      requestBody: { content: { 'application/json': { userId?: string; token?: string; jti?: string } } };
      responses: {
        204: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    patch?: never;
  };
  '/v1/realtime/users/{userId}/presence': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Whether a user is online */
    get: {
      parameters: { query?: { applicationId?: string }; header?: never; path: { userId: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': { online: boolean; connections: number; since: string | null } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/receipts': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** Report what a device did with a notification */
    post: {
      parameters: { query?: never; header?: { 'x-device-secret'?: string }; path?: never; cookie?: never };
      requestBody: { content: { 'application/json': {
            deviceId: string;
            notificationId: string;
            type: "delivered" | "displayed" | "opened" | "dismissed";
            at?: string;
          } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            type: "delivered" | "displayed" | "opened" | "dismissed";
            at: string;
            deviceId: string;
            notificationId: string;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/session': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Who is signed in */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            account: {
              id: string;
              email: string;
              name: string;
              role: "viewer" | "operator" | "owner";
              isDisabled: boolean;
              hasPassword: boolean;
              createdAt: string;
              lastSignInAt: string | null;
            };
            csrfToken: string;
            expiresAt: string;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    /** Sign in to the console */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { 'application/json': { email: string; password: string } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            account: {
              id: string;
              email: string;
              name: string;
              role: "viewer" | "operator" | "owner";
              isDisabled: boolean;
              hasPassword: boolean;
              createdAt: string;
              lastSignInAt: string | null;
            };
            csrfToken: string;
            expiresAt: string;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    /** Sign out */
    delete: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        204: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    patch?: never;
  };
  '/v1/session/link': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** Sign in to the console with a link, once */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { 'application/json': { token: string } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            account: {
              id: string;
              email: string;
              name: string;
              role: "viewer" | "operator" | "owner";
              isDisabled: boolean;
              hasPassword: boolean;
              createdAt: string;
              lastSignInAt: string | null;
            };
            csrfToken: string;
            expiresAt: string;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/session/password': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    /** Set the own password; the other sessions of the account end */
    put: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { 'application/json': { currentPassword?: string; newPassword: string } } };
      responses: {
        204: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/system': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Show what waits, what is held back and who works */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            at: string;
            lanes: {
              lane: "critical" | "normal" | "bulk";
              due: number;
              sending: number;
              waiting: number;
              paused: number;
              oldestDueSeconds: number | null;
              providers: {
                provider: "fcm" | "apns" | "webpush";
                due: number;
                sending: number;
                waiting: number;
                paused: number;
                oldestDueSeconds: number | null;
              }[];
            }[];
            unplannedNotifications: number;
            gates: {
              applicationId: string;
              provider: "fcm" | "apns" | "webpush";
              scope: string;
              state: "half_open" | "closed";
              kind: "throttled" | "breaker" | "credential";
              reason: string;
              closedUntil: string;
              changedAt: string;
            }[];
            massGuards: { applicationId: string; provider: "fcm" | "apns" | "webpush"; trippedAt: string; restored: number }[];
            workers: { worker: string; lastAttemptAt: string; attempts: number }[];
            partitions: { table: string; name: string; day: string | null; bytes: number; rows: number }[];
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/system/queues': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Show what lies on the queues between Postgres and the workers */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            lanes: {
              queue: string;
              lane: ("critical" | "normal" | "bulk") | null;
              provider: ("fcm" | "apns" | "webpush") | null;
              counts: { waiting: number; active: number; delayed: number; failed: number; paused: number };
              consumers: number | null;
              jobs: {
                id: string;
                state: "active" | "waiting" | "delayed" | "failed";
                batches: number | null;
                notificationIds: string[];
                addedAt: string;
                startedAt: string | null;
              }[];
            }[];
            workers: { worker: string; lastAttemptAt: string; attempts: number }[];
            processes: number | null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/users': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** List the users that have devices */
    get: {
      parameters: { query?: { cursor?: string; limit?: number; prefix?: string; applicationId?: string }; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            items: { userId: string; devices: number; activeDevices: number; lastRegisteredAt: string }[];
            nextCursor: string | null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/users/{userId}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    post?: never;
    /** Forget a person: remove all their devices */
    delete: {
      parameters: { query?: { applicationId?: string }; header?: never; path: { userId: string }; cookie?: never };
      requestBody?: never;
      responses: {
        204: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    patch?: never;
  };
  '/v1/webhooks': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** List webhooks */
    get: {
      parameters: { query?: { cursor?: string; limit?: number; applicationId?: string }; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            items: {
              id: string;
              url: string;
              events: ("notification.completed" | "notification.cancelled" | "delivery.failed" | "delivery.expired" | "device.invalidated" | "receipt.delivered" | "receipt.displayed" | "receipt.opened" | "receipt.dismissed" | "credential.broken")[];
              enabled: boolean;
              disabledReason: ("requested" | "gone" | "failing") | null;
              disabledAt: string | null;
              failingSince: string | null;
              previousSecretUntil: string | null;
              createdAt: string;
            }[];
            nextCursor: string | null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    /** Have events sent to a URL; the secret is shown this once */
    post: {
      parameters: { query?: { applicationId?: string }; header?: never; path?: never; cookie?: never };
      requestBody: { content: { 'application/json': {
            url: string;
            events: ("notification.completed" | "notification.cancelled" | "delivery.failed" | "delivery.expired" | "device.invalidated" | "receipt.delivered" | "receipt.displayed" | "receipt.opened" | "receipt.dismissed" | "credential.broken")[];
          } } };
      responses: {
        201: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            url: string;
            events: ("notification.completed" | "notification.cancelled" | "delivery.failed" | "delivery.expired" | "device.invalidated" | "receipt.delivered" | "receipt.displayed" | "receipt.opened" | "receipt.dismissed" | "credential.broken")[];
            enabled: boolean;
            disabledReason: ("requested" | "gone" | "failing") | null;
            disabledAt: string | null;
            failingSince: string | null;
            previousSecretUntil: string | null;
            createdAt: string;
            secret: string;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/webhooks/{id}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Read a webhook */
    get: {
      parameters: { query?: { applicationId?: string }; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            url: string;
            events: ("notification.completed" | "notification.cancelled" | "delivery.failed" | "delivery.expired" | "device.invalidated" | "receipt.delivered" | "receipt.displayed" | "receipt.opened" | "receipt.dismissed" | "credential.broken")[];
            enabled: boolean;
            disabledReason: ("requested" | "gone" | "failing") | null;
            disabledAt: string | null;
            failingSince: string | null;
            previousSecretUntil: string | null;
            createdAt: string;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    /** Remove a webhook with everything it is still owed */
    delete: {
      parameters: { query?: { applicationId?: string }; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        204: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    /** Change a webhook, disable or enable it */
    patch: {
      parameters: { query?: { applicationId?: string }; header?: never; path: { id: string }; cookie?: never };
      requestBody: { content: { 'application/json': {
            url?: string;
            events?: ("notification.completed" | "notification.cancelled" | "delivery.failed" | "delivery.expired" | "device.invalidated" | "receipt.delivered" | "receipt.displayed" | "receipt.opened" | "receipt.dismissed" | "credential.broken")[];
            enabled?: boolean;
          } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            url: string;
            events: ("notification.completed" | "notification.cancelled" | "delivery.failed" | "delivery.expired" | "device.invalidated" | "receipt.delivered" | "receipt.displayed" | "receipt.opened" | "receipt.dismissed" | "credential.broken")[];
            enabled: boolean;
            disabledReason: ("requested" | "gone" | "failing") | null;
            disabledAt: string | null;
            failingSince: string | null;
            previousSecretUntil: string | null;
            createdAt: string;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
  };
  '/v1/webhooks/{id}/attempts': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** List the calls of a webhook in the last 30 days */
    get: {
      parameters: { query?: { cursor?: string; limit?: number; applicationId?: string }; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            items: {
              eventId: string;
              type: "notification.completed" | "notification.cancelled" | "delivery.failed" | "delivery.expired" | "device.invalidated" | "receipt.delivered" | "receipt.displayed" | "receipt.opened" | "receipt.dismissed" | "credential.broken" | "webhook.test";
              number: number;
              at: string;
              succeeded: boolean;
              status: number | null;
              error: string | null;
              latencyMs: number;
              nextAttemptAt: string | null;
            }[];
            nextCursor: string | null;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/v1/webhooks/{id}/replay': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** Send an event, or those of a time range, again */
    post: {
      parameters: { query?: { applicationId?: string }; header?: never; path: { id: string }; cookie?: never };
      requestBody: { content: { 'application/json': { eventId: string } | { from: string; to: string } } };
      responses: {
        202: { headers: { [name: string]: unknown }; content: { 'application/json': { replayed: number } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/webhooks/{id}/rotate-secret': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** Give a webhook a new secret; for 24 hours the old one signs beside it */
    post: {
      parameters: { query?: { applicationId?: string }; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': {
            id: string;
            url: string;
            events: ("notification.completed" | "notification.cancelled" | "delivery.failed" | "delivery.expired" | "device.invalidated" | "receipt.delivered" | "receipt.displayed" | "receipt.opened" | "receipt.dismissed" | "credential.broken")[];
            enabled: boolean;
            disabledReason: ("requested" | "gone" | "failing") | null;
            disabledAt: string | null;
            failingSince: string | null;
            previousSecretUntil: string | null;
            createdAt: string;
            secret: string;
          } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/v1/webhooks/{id}/test': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    /** Send a `webhook.test` event, once */
    post: {
      parameters: { query?: { applicationId?: string }; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        202: { headers: { [name: string]: unknown }; content: { 'application/json': { eventId: string } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    delete?: never;
    patch?: never;
  };
  '/console': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** The admin console */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/console/*': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** A page of the console, or a file */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/docs': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** This API as a page for people */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/livez': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** The process runs */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': { status: string } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/metrics': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Prometheus metrics; with METRICS_TOKEN set, that bearer is needed */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/openapi.json': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** This API as an OpenAPI 3.1 document */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/readyz': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** Whether the process should get work, and what is missing */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content: { 'application/json': { status: string; missing: { [name: string]: string }; others?: { [name: string]: string } } } };
        503: { headers: { [name: string]: unknown }; content: { 'application/json': { status: string; missing: { [name: string]: string }; others?: { [name: string]: string } } } };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
  '/sdk/{file}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    /** The browser SDK: `carillon.js`, `carillon-push.js`, `carillon-sw.js`, and their types */
    get: {
      parameters: { query?: never; header?: never; path: { file: string }; cookie?: never };
      requestBody?: never;
      responses: {
        200: { headers: { [name: string]: unknown }; content?: never };
        default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': components['schemas']['Problem'] } };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    patch?: never;
  };
}

export interface components {
  schemas: {
    Problem: {
      type: "about:blank";
      title: string;
      status: number;
      code: string;
      detail: string;
      requestId: string;
      errors?: { path: string; message: string }[];
    };
  };
}
