import { Controller, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { DOCS_CONTENT_SECURITY_POLICY, renderDocs } from './docs-page.js';
import { describeApi, type OpenApiDocument } from './openapi.js';
import { Route } from './route.js';
import { RouteTable } from './route-table.js';

/** The version of the contract: it grows, and nothing in it is renamed. */
const API_VERSION = '1';

@Controller()
export class OpenApiController {
  private document: OpenApiDocument | undefined;
  private page: string | undefined;

  constructor(private readonly routes: RouteTable) {}

  @Route('GET', '/openapi.json', {
    summary: 'This API as an OpenAPI 3.1 document',
    tag: 'Reference',
    access: 'public',
    responses: { 200: { description: 'The document.' } },
  })
  read(): OpenApiDocument {
    this.document ??= describeApi(this.routes.all(), API_VERSION);
    return this.document;
  }

  @Route('GET', '/docs', {
    summary: 'This API as a page for people',
    tag: 'Reference',
    access: 'public',
    responses: { 200: { description: 'HTML.' } },
  })
  show(@Res({ passthrough: true }) reply: FastifyReply): string {
    this.page ??= renderDocs(this.read());
    reply.type('text/html; charset=utf-8').header('content-security-policy', DOCS_CONTENT_SECURITY_POLICY);
    return this.page;
  }
}
