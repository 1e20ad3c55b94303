import type { LoggerService } from '@nestjs/common';
import { type DestinationStream, type LoggerOptions, pino } from 'pino';
import type { Config } from '../config/config.js';
import { LANES } from '../lib/names.js';
import { scrub, scrubText } from './scrub.js';

type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** Nest's own announcements of modules and routes: thirty lines at each start that tell an operator nothing. */
const NEST_CHATTER = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory', 'NestApplication']);

export interface LogLabels {
  role: Config['CARILLON_ROLE'];
  /** Of a worker that serves not all of them. */
  lanes?: string;
  /** Of one of several processes behind one port. */
  process?: string;
}

/** What tells this process's lines from those of others. */
export function logLabels({ CARILLON_ROLE: role, WORKER_LANES: lanes, API_PROCESS: process }: Config): LogLabels {
  const isPart = role === 'worker' && lanes.length < LANES.length;
  return {
    role,
    ...(isPart && { lanes: lanes.join(',') || 'none' }),
    ...(process !== undefined && { process }),
  };
}

/**
 * One JSON line per event on standard output, scrubbed of secrets. Use it through Nest's `new Logger('context')` with an
 * object: `logger.warn({ event: 'credential.broken', applicationId, provider })`; an error goes under `err`.
 */
export class JsonLogger implements LoggerService {
  private readonly pino;

  /**
   * @param labels      in each line: which process it comes from
   * @param destination where the lines go instead of standard output
   */
  constructor(level: Config['LOG_LEVEL'], labels: LogLabels, destination?: DestinationStream) {
    const options: LoggerOptions = {
      level,
      base: { ...labels, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Errors come here scrubbed; pino's own serializer would add to them.
      serializers: { err: (error: unknown) => error },
      errorKey: 'cause',
    };
    this.pino = destination ? pino(options, destination) : pino(options);
  }

  log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    this.write(typeof context === 'string' && NEST_CHATTER.has(context) ? 'debug' : 'info', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  private write(level: Level, message: unknown, rest: unknown[]): void {
    if (!this.pino.isLevelEnabled(level)) return;
    const context = typeof rest.at(-1) === 'string' ? rest.at(-1) : undefined;
    const err = rest.find((item) => item instanceof Error);
    const record = { context, ...(err ? { err: scrub(err) } : {}) };
    if (message instanceof Error) this.pino[level]({ ...record, err: scrub(message) });
    else if (typeof message === 'object' && message !== null)
      this.pino[level]({ ...record, ...Object(scrub(message)) });
    else this.pino[level](record, scrubText(String(message)));
  }
}
