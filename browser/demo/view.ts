import type { Message, MessageContext, Status, TransportName } from '../sdk/carillon.js';

const MAX_ROWS = 200;
const MAX_PRICES = 60;
const CHART = { width: 300, height: 80, margin: 4 };

export const TRANSPORT_NAMES: Readonly<Record<TransportName, string>> = {
  websocket: 'WebSocket',
  sse: 'server-sent events',
  polling: 'long polling',
};

const prices: number[] = [];

/** The element with this id, which the page has. */
export function element<Kind extends Element = HTMLElement>(id: string): Kind {
  const found = document.querySelector<Kind>(`#${id}`);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

export function showStatus({ state, transport, retryInMs }: Status): void {
  const texts: Record<Status['state'], string> = {
    idle: 'Not connected',
    connecting: 'Connecting …',
    open: `Connected over ${transport ? TRANSPORT_NAMES[transport] : ''}`,
    waiting: `Trying again in ${((retryInMs ?? 0) / 1_000).toFixed(1)} s`,
    closed: 'Ended',
  };
  showState(state, texts[state]);
}

export function showState(state: Status['state'], text: string): void {
  element('dot').className = `dot ${state}`;
  element('state').textContent = text;
}

/** One more row of what arrived, the newest first. */
export function logMessage(message: Message, { transport, isReplay }: MessageContext): void {
  const latencyMs = Math.max(0, Date.now() - Date.parse(message.at));
  const cells = [message.channel, message.event, TRANSPORT_NAMES[transport], isReplay ? 'replayed' : `${latencyMs} ms`];
  logRow(cells).classList.toggle('replayed', isReplay);
}

/** Something that is no message of a channel. */
export function logNote(what: string, detail = ''): void {
  logRow(['–', what, detail]).lastElementChild?.setAttribute('colspan', '2');
}

function logRow(cells: readonly string[]): HTMLTableRowElement {
  const row = document.createElement('tr');
  const time = new Date().toLocaleTimeString(undefined, { hour12: false });
  for (const text of [time, ...cells]) row.append(textElement('td', text));
  const log = element('log');
  log.prepend(row);
  while (log.children.length > MAX_ROWS) log.lastElementChild?.remove();
  return row;
}

export function addLine(from: string, text: string, isReplay: boolean): void {
  const line = document.createElement('li');
  line.classList.toggle('replayed', isReplay);
  line.append(textElement('b', from), text);
  appendTo('lines', line);
}

export function addNotice(title: string, body: string, isPushed: boolean): void {
  const notice = document.createElement('li');
  notice.append(textElement('b', title), ` ${body}${isPushed ? ' (also pushed)' : ''}`);
  appendTo('notices', notice);
}

export function addPrice(symbol: string, price: number): void {
  const before = prices.at(-1);
  prices.push(price);
  if (prices.length > MAX_PRICES) prices.shift();
  element('price').textContent = `${symbol} ${price.toFixed(2)}`;
  element('curve').setAttribute('points', curveOf(prices));
  if (before === undefined) return;
  const change = element('change');
  change.className = price < before ? 'down' : 'up';
  change.textContent = `${price < before ? '▼' : '▲'} ${Math.abs(price - before).toFixed(2)}`;
}

function curveOf(values: readonly number[]): string {
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const { width, height, margin } = CHART;
  return values
    .map((value, i) => {
      const x = (i * width) / (MAX_PRICES - 1);
      const y = height - margin - ((value - low) / span) * (height - 2 * margin);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(' ');
}

function appendTo(listId: string, item: HTMLElement): void {
  const list = element(listId);
  list.append(item);
  while (list.children.length > MAX_ROWS) list.firstElementChild?.remove();
  list.scrollTop = list.scrollHeight;
}

function textElement(name: 'b' | 'td', text: string): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
