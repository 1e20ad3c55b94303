import { Controller, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Route } from './route.js';
import { StaticFiles } from './static-files.js';

const MODULES = ['carillon.js', 'carillon-push.js'];
/** Those that the types of the modules are made of. */
const TYPES = ['carillon', 'carillon-push', 'connection', 'events', 'line'].map((name) => `${name}.d.ts`);
const SERVICE_WORKER = 'carillon-sw.js';

const fileParams = z.strictObject({ file: z.string() });

/** The browser's side of Carillon, for every page: it holds no secret. */
@Controller()
export class SdkController {
  private readonly files = new StaticFiles('sdk/', [...MODULES, SERVICE_WORKER, ...TYPES]);

  @Route('GET', '/sdk/:file', {
    summary: 'The browser SDK: `carillon.js`, `carillon-push.js`, `carillon-sw.js`, and their types',
    tag: 'Reference',
    access: 'public',
    params: fileParams,
    responses: { 200: { description: 'A module, the service worker, or types.' } },
  })
  async read(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Param() { file }: z.infer<typeof fileParams>,
  ): Promise<void> {
    reply.headers({ 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' });
    // Without this a worker serves only the pages below its own path.
    if (file === SERVICE_WORKER) reply.header('service-worker-allowed', '/');
    await this.files.send(request, reply, file);
  }
}
