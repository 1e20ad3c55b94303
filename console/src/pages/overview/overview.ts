import type { paths } from '../../api/schema.js';

/** How an application is doing, as the API and its stream show it. */
export type Overview = paths['/v1/applications/{id}/overview']['get']['responses'][200]['content']['application/json'];
export type Provider = Overview['gates'][number]['provider'];
