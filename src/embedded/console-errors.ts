/** Lines that one child may put on the console in {@link PERIOD_MS}; the rest is in its log. */
const MAX_LINES = 10;
const PERIOD_MS = 10_000;
/** pino's number for `error`. */
const ERROR_LEVEL = 50;

/**
 * Lets only what went wrong through to the console: pino lines from level `error`, and whatever else `isError` matches.
 *
 * @param isError for lines that are not JSON
 * @returns a listener for a child's lines
 */
export function consoleErrors(
  name: string,
  isError: RegExp,
  report: (message: string) => void,
): (line: string) => void {
  let periodStartedAtMs = 0;
  let reported = 0;
  return (line) => {
    const text = errorText(line, isError);
    if (text === undefined) return;
    const nowMs = performance.now();
    if (nowMs - periodStartedAtMs > PERIOD_MS) {
      periodStartedAtMs = nowMs;
      reported = 0;
    }
    reported += 1;
    if (reported <= MAX_LINES) report(`${name}: ${text}`);
    if (reported === MAX_LINES) report(`${name}: … more of that in its log`);
  };
}

function errorText(line: string, isError: RegExp): string | undefined {
  if (!line.startsWith('{')) return isError.test(line) ? line : undefined;
  try {
    const entry = JSON.parse(line) as { level?: unknown; msg?: unknown; event?: unknown; err?: { message?: unknown } };
    if (entry.level !== 'error' && entry.level !== 'fatal' && !(Number(entry.level) >= ERROR_LEVEL)) return undefined;
    return [entry.event, entry.msg, entry.err?.message].filter((part) => typeof part === 'string').join(': ') || line;
  } catch {
    return isError.test(line) ? line : undefined;
  }
}
