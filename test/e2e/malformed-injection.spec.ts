import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../setup/app.js';
import type { World } from '../setup/world.js';
import { makeTenant, startWorld, type Tenant } from './malformed-support.js';

/** Text that some language takes for more than text. In free-text fields it is stored, sent and shown as it is. */
const INJECTIONS: Record<string, string> = {
  'SQL that ends a statement': `'; drop table device; --`,
  'SQL that is always true': `" or ""=" ' or '1'='1`,
  'a Postgres escape': `\\'; select pg_sleep(10); --`,
  'dollar quotes': `$$ $1 $2 \${1} $body$`,
  'a like pattern': `%_\\%`,
  'array and JSON': `{"a":[1]},{null,"\\"}`,
  'header lines': `x\r\nset-cookie: evil=1\r\n\r\nHTTP/1.1 200 OK`,
  'a line for a log': `x\n{"level":"info","event":"forged"}`,
  'a terminal code': `\u001b[31mred\u0007\u0008`,
  HTML: `<script>alert(1)</script><img src=x onerror=alert(1)>`,
  'an entity': `&lt;&#x27;&amp;`,
  'a template': `{{constructor.constructor('return 1')()}} <%= 7*7 %> #{7*7}`,
  'a shell': '`reboot` $(reboot) ; reboot | reboot',
  'a path': `../../../../etc/passwd`,
  'a format': `%s%n%x %0d%0a %00`,
  prototypes: `__proto__`,
  'a method of prototypes': `toString`,
  'a formula': `=cmd|'/c calc'!A0`,
  'a slot of ours': `verbatim-0-here token-0123456789abcdef`,
  'right to left, joined and zero-width': `\u202eabc\u200d\u200b\ufeff`,
  'characters beyond the first plane': `👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿𝒳`,
  'composed and decomposed, which are not the same': `é e\u0301 ﬁ`,
  blanks: `  \t two\u00a0\u3000 `,
  'separators of lines': `a\u2028b\u2029c\u0085d`,
};

/** The one name that no JSON object may have here; as a value it is text like any other. */
function keyFor(text: string): string {
  return text === '__proto__' ? 'prototype' : text;
}

let world: World;
let tenant: Tenant;

beforeAll(async () => {
  world = await startWorld();
  tenant = await makeTenant(world);
});
afterAll(() => world?.close());

describe('text that is code elsewhere', () => {
  for (const [name, text] of Object.entries(INJECTIONS)) {
    it(`stays text in a device: ${name}`, async () => {
      const token = `inject${crypto.randomUUID()}:APA91b${'x'.repeat(30)}`;
      const given = { userId: text, tags: { [keyFor(text)]: text, plain: text }, appVersion: text };
      const id = await world.device(tenant, 'fcm', token, given);
      expect((await world.get(tenant, `/v1/devices/${id}`)).body).toMatchObject(given);
      const listed = await world.get(tenant, `/v1/devices?userId=${encodeURIComponent(text)}`);
      expect(listed.body.items.map((item: { id: string }) => item.id)).toEqual([id]);

      for (const audience of [{ userIds: [text] }, { tags: { [keyFor(text)]: text } }, { tags: { plain: text } }]) {
        const dry = await call(world.api, 'POST', '/v1/notifications', {
          key: tenant.serverKey,
          body: { audience, content: { title: text }, options: { dryRun: true } },
        });
        expect(dry.body.dryRun.devices, JSON.stringify(audience)).toMatchObject({ fcm: 1, apns: 0, webpush: 0 });
      }
      const search = await world.get(
        tenant,
        `/v1/deliveries?userId=${encodeURIComponent(text)}&code=${encodeURIComponent(text)}`,
      );
      expect(search.body).toMatchObject({ items: [] });
      const forget = `/v1/users/${encodeURIComponent(text)}`;
      expect((await call(world.api, 'DELETE', forget, { key: tenant.serverKey })).status).toBe(204);
      expect((await world.get(tenant, `/v1/devices/${id}`)).status).toBe(404);
      expect((await world.get(tenant, `/v1/devices/${tenant.devices.apns}`)).status).toBe(200);
    });

    it(`stays text on its way to every provider: ${name}`, async () => {
      const content = { title: text, body: text, data: { [keyFor(text)]: text, plain: text } };
      const collapseKey = Array.from(text).slice(0, 12).join('');
      const id = await world.notify(tenant, {
        audience: { deviceIds: Object.values(tenant.devices) },
        content,
        options: { collapseKey },
      });
      await world.until(tenant, id, { status: 'completed', counts: { accepted: 3 } });
      const { body } = await world.get(tenant, `/v1/notifications/${id}`);
      expect(body.content).toEqual(content);
      expect(body.options.collapseKey).toBe(collapseKey);

      const { messages } = await world.control('GET', '/__messages?limit=100000');
      const sent = new Map(
        messages
          .filter((message: object) => JSON.stringify(message).includes(id))
          .map((message: { provider: string }) => [message.provider, message]),
      ) as Map<string, { headers: Record<string, string>; body: Record<string, unknown> }>;
      expect(sent.get('fcm')?.body).toMatchObject({
        message: { notification: { title: text, body: text }, data: content.data },
      });
      expect(sent.get('apns')?.body).toMatchObject({ aps: { alert: { title: text, body: text } }, ...content.data });
      expect(sent.get('webpush')?.body).toMatchObject({ title: text, body: text, data: content.data });
      for (const { headers } of sent.values()) expect(Object.keys(headers)).not.toContain('set-cookie');
    });
  }

  it('stays text in what administrators call things', async () => {
    for (const [name, text] of Object.entries(INJECTIONS)) {
      const made = await call(world.api, 'POST', '/v1/applications', { key: world.api.adminKey, body: { name: text } });
      expect(made.body.name, name).toBe(text.trim());
      const path = `/v1/applications/${made.body.id}`;
      const key = await call(world.api, 'POST', `${path}/keys`, {
        key: world.api.adminKey,
        body: { role: 'server', name: text },
      });
      expect(key.body.name, name).toBe(text.trim());
      expect((await call(world.api, 'GET', path, { key: world.api.adminKey })).body.name).toBe(text.trim());
    }
  });

  it('as an Idempotency-Key is that key and no other', async () => {
    const texts = Object.values(INJECTIONS).filter((text) => /^[\x21-\x7e][\x20-\x7e]*$/.test(text));
    const ids = new Set<string>();
    for (const text of texts) {
      const send = () =>
        call(world.api, 'POST', '/v1/notifications', {
          key: tenant.serverKey,
          headers: { 'idempotency-key': text },
          body: { audience: { userIds: ['nobody'] }, content: { title: 'x' } },
        });
      const [first, again] = [await send(), await send()];
      expect(again.body).toEqual(first.body);
      expect(again.headers.get('idempotent-replayed')).toBe('true');
      ids.add(first.body.id);
    }
    expect(ids.size).toBe(texts.length);
    expect(ids.size).toBeGreaterThan(8);
  });
});

describe('text that would be a header', () => {
  it('never comes back as one', async () => {
    for (const given of ['a%0d%0aset-cookie:%20b=1', 'a, b', '<script>', 'x'.repeat(129), "'; drop table device; --"]) {
      const answer = await call(world.api, 'GET', '/livez', { headers: { 'x-request-id': given } });
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
      expect(answer.headers.get('set-cookie')).toBeNull();
    }
  });

  it('as an origin is answered with nothing', async () => {
    for (const origin of ['null', '*', 'https://evil.example', 'https://evil.example%0d%0aset-cookie:a=b', 'x']) {
      const answer = await call(world.api, 'GET', `/v1/applications/${tenant.id}/webpush/public-key`, {
        headers: { origin },
      });
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      expect(answer.headers.get('set-cookie')).toBeNull();
    }
  });
});
