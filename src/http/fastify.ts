import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { BadRequestException, PayloadTooLargeException, UnsupportedMediaTypeException } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyHttpOptions, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config/config.js';
import { limitBytes } from './limit-bytes.js';
import { PROBLEM_MEDIA_TYPE, type ProblemAnswer, transportProblem } from './problem.js';
import { requestIdOf } from './request-id.js';
import { readTls } from './tls.js';

export const NDJSON_MEDIA_TYPE = 'application/x-ndjson';

/** Bytes of one NDJSON body; it is streamed, never held. */
export const MAX_NDJSON_BYTES = 64 * 1_048_576;

/** Milliseconds within which a whole request must have arrived; a bulk upload over a slow line needs some. */
const REQUEST_TIMEOUT_MS = 120_000;

/** Milliseconds. Longer than the 60 s that load balancers keep idle connections, so that they close first. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;

/** What Node's HTTP parser refuses before there is a request; anything else is malformed. */
const STATUS_OF_PARSER_ERROR: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

const MAX_PARAM_LENGTH = 512;

/** The HTTP server as Nest sees it: limits, timeouts, request ids, and bodies as JSON or an NDJSON stream. */
export function makeHttpAdapter(config: Config): FastifyAdapter {
  const tls = readTls(config);
  const options: FastifyHttpOptions<Server> = {
    // Node would answer a missing host itself, in its own words; see the hook below.
    http: { requireHostHeader: false },
    bodyLimit: config.MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    trustProxy: config.TRUST_PROXY,
    // Whoever still has a connection open while we stop gets an answer, with `connection: close`.
    return503OnClosing: false,
    requestIdHeader: false,
    genReqId: (request) => requestIdOf(request.headers),
    logger: false,
    frameworkErrors: (error, request, reply) => {
      sendProblem(reply, transportProblem(error.statusCode ?? 400, request.id, error.message));
    },
    clientErrorHandler: (error, socket) => {
      if (error.code === 'ECONNRESET' || !socket.writable) return;
      socket.end(rawAnswer(STATUS_OF_PARSER_ERROR[error.code] ?? 400));
    },
  };
  const adapter = new FastifyAdapter(
    tls ? Object.assign(options, { https: { ...tls, requireHostHeader: false } }) : options,
  );
  const instance = adapter.getInstance<FastifyInstance<Server>>();
  instance.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
    // RFC 9112 §3.2
    const isMissingHost = request.headers.host === undefined && request.raw.httpVersion === '1.1';
    done(isMissingHost ? new BadRequestException('The Host header is missing.') : undefined);
  });
  // Node would answer in its own words here, too.
  instance.server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    response.socket?.end(rawAnswer(417));
  });
  readBodies(instance);
  return adapter;
}

/** Sends an error answer; for places that no exception filter covers, too. */
export function sendProblem(reply: FastifyReply, { headers, document }: ProblemAnswer): void {
  reply
    .status(document.status)
    .headers(headers)
    .header('x-request-id', document.requestId)
    .header('cache-control', 'no-store')
    // Serialised here: Fastify would take the object for one to be checked against a response schema.
    .type(PROBLEM_MEDIA_TYPE)
    .send(JSON.stringify(document));
}

function readBodies(instance: FastifyInstance<Server>): void {
  const parseJson = instance.getDefaultJsonParser('error', 'error');
  instance.removeAllContentTypeParsers();
  const options = { parseAs: 'buffer' as const };
  instance.addContentTypeParser(/^application\/(?:[\w.-]+\+)?json(?:;|$)/, options, (request, body: Buffer, done) => {
    // Many clients send the media type with every request, also with those that have no body.
    if (body.length === 0) return done(null, undefined);
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') return done(new UnsupportedMediaTypeException('Bodies are taken uncompressed.'));
    if (!isUtf8(body)) return done(new BadRequestException('The body is not UTF-8.'));
    return parseJson(request, body.toString(), done);
  });
  instance.addContentTypeParser(NDJSON_MEDIA_TYPE, (request: FastifyRequest, body: IncomingMessage, done) => {
    if (Number(request.headers['content-length'] ?? 0) > MAX_NDJSON_BYTES) return done(new PayloadTooLargeException());
    return done(null, limitBytes(body, MAX_NDJSON_BYTES));
  });
}

function rawAnswer(status: number): string {
  const { document } = transportProblem(status, requestIdOf({}));
  const body = JSON.stringify(document);
  return [
    `HTTP/1.1 ${status} ${document.title}`,
    'connection: close',
    `content-type: ${PROBLEM_MEDIA_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${document.requestId}`,
    '',
    body,
  ].join('\r\n');
}
