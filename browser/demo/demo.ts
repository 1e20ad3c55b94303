import { Carillon, type Message, type MessageContext, type TransportName } from '../sdk/carillon.js';
import {
  addLine,
  addNotice,
  addPrice,
  element,
  logMessage,
  logNote,
  showState,
  showStatus,
  TRANSPORT_NAMES,
} from './view.js';

const CHAT = 'demo-chat';
const PRICES = 'demo-prices';
/** Milliseconds for which a cut connection stays away. */
const CUT_MS = 5_000;

const userId = /^[\w.-]{1,32}$/.exec(new URLSearchParams(location.search).get('user') ?? '')?.[0] ?? 'ada';
const inbox = `user:${userId}`;
let isCut = false;
let replayed = 0;
let client = follow();

async function post<Body>(path: string, body: object): Promise<Body> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail ?? response.statusText);
  return answer;
}

/** @param after the cursor of the client before, so that changing the transport loses nothing */
function follow(transport?: TransportName, after?: string): Carillon {
  const made = new Carillon({
    url: location.origin,
    getToken: async () => (await post<{ token: string }>('/demo/session', { userId })).token,
    ...(transport && { transports: [transport] }),
  });
  made.on('status', (status) => {
    if (isCut) return;
    showStatus(status);
    if (status.state === 'open') summarise();
  });
  made.on('gap', ({ channel }) => logNote('gap', `messages of ${channel} are lost`));
  made.on('expiring', () => logNote('expiring', 'a new token is fetched'));
  made.on('error', (error) => logNote('error', error.message));
  made.on('notification', ({ message, isPushed }) => {
    const { title = '', body = '' } = message.data as { title?: string; body?: string };
    addNotice(title, body, isPushed);
  });
  const start = after === undefined ? {} : { after };
  made.subscribe(CHAT, take, start);
  made.subscribe(PRICES, take, start);
  made.subscribe(inbox, take, start);
  return made;
}

function take(message: Message, context: MessageContext): void {
  if (context.isReplay) replayed += 1;
  logMessage(message, context);
  if (message.event === 'line') {
    const { from, text } = message.data as { from: string; text: string };
    addLine(from, text, context.isReplay);
  } else if (message.event === 'price') {
    const { symbol, price } = message.data as { symbol: string; price: number };
    addPrice(symbol, price);
  }
}

function summarise(): void {
  if (replayed === 0) return;
  element('summary').textContent = `Back: ${replayed} missed messages were replayed, in order; nothing is lost.`;
  replayed = 0;
}

function cut(): void {
  isCut = true;
  client.disconnect();
  const button = element<HTMLButtonElement>('cut');
  button.disabled = true;
  showState('idle', `Cut. It comes back in ${CUT_MS / 1_000} s; what is published meanwhile is replayed then.`);
  setTimeout(() => {
    isCut = false;
    button.disabled = false;
    client.connect();
  }, CUT_MS);
}

async function say(event: SubmitEvent): Promise<void> {
  event.preventDefault();
  const input = element<HTMLInputElement>('text');
  const text = input.value.trim();
  if (text === '') return;
  const { state, transport } = client.status;
  try {
    // Only a WebSocket goes both ways; otherwise the product's own backend takes it.
    if (state === 'open' && transport === 'websocket') await client.publish(CHAT, 'line', { from: userId, text });
    else await post('/demo/lines', { userId, text });
    input.value = '';
  } catch (error) {
    logNote('error', String(error));
  }
}

async function sendNotification(): Promise<void> {
  try {
    const { id } = await post<{ id: string }>('/demo/notifications', { userId });
    logNote('accepted', id);
  } catch (error) {
    logNote('error', String(error));
  }
}

function choose(): void {
  const { value } = element<HTMLSelectElement>('transport');
  const { cursor } = client;
  client.close();
  const transport = value === '' ? undefined : (value as TransportName);
  logNote('transport', transport ? TRANSPORT_NAMES[transport] : 'automatic');
  client = follow(transport, cursor);
}

const otherId = userId === 'ada' ? 'grace' : 'ada';
element('user').textContent = userId;
element('other-name').textContent = otherId;
element<HTMLAnchorElement>('other').href = `/demo?user=${otherId}`;
document.title = `${userId} · Carillon live demo`;
element('cut').addEventListener('click', cut);
element('notify').addEventListener('click', () => void sendNotification());
element('transport').addEventListener('change', choose);
element<HTMLFormElement>('say').addEventListener('submit', (event) => void say(event));
// A page that is only put aside may come back as it was.
addEventListener('pagehide', () => client.disconnect());
addEventListener('pageshow', () => client.connect());
