import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { api, dataOf } from '../../api/client.js';
import type { paths } from '../../api/schema.js';
import { audienceIn, contentIn, type Draft, optionsIn, overridesIn } from './draft.js';

export type Preview = paths['/v1/notifications/preview']['post']['responses'][200]['content']['application/json'];

/** Milliseconds without a keystroke before the API is asked. */
const DEBOUNCE_MS = 350;
/** What was looked at is not kept: it changes with every letter. */
const FORGET_MS = 1_000;

/** The requests that a draft makes, shortly after it was written. */
export function usePreview(app: string, draft: Draft) {
  const content = contentIn(draft);
  const audience = audienceIn(draft);
  const body = { content, options: optionsIn(draft), overrides: overridesIn(draft), ...(audience && { audience }) };
  const isWritten = Object.keys(content).length > 0;
  const [settled] = useDebouncedValue(isWritten ? JSON.stringify(body) : undefined, DEBOUNCE_MS);
  return useQuery({
    queryKey: ['preview', app, settled],
    enabled: settled !== undefined,
    gcTime: FORGET_MS,
    ...(settled !== undefined && { placeholderData: keepPreviousData }),
    queryFn: ({ signal }): Promise<Preview> => {
      const asked: typeof body = JSON.parse(settled ?? '');
      const query = { applicationId: app };
      return dataOf(api.POST('/v1/notifications/preview', { params: { query }, body: asked, signal }));
    },
  });
}

/** How many active devices the audience of a draft has at this moment; undefined while it names nobody. */
export function useAudienceSize(app: string, draft: Draft) {
  const audience = audienceIn(draft);
  const [settled] = useDebouncedValue(audience && JSON.stringify(audience), DEBOUNCE_MS);
  return useQuery({
    queryKey: ['audience-size', app, settled],
    enabled: settled !== undefined,
    gcTime: FORGET_MS,
    queryFn: ({ signal }) => measure(app, JSON.parse(settled ?? ''), signal),
  });
}

export function measure(app: string, audience: NonNullable<ReturnType<typeof audienceIn>>, signal?: AbortSignal) {
  const query = { applicationId: app };
  return dataOf(
    api.POST('/v1/notifications/audience', { params: { query }, body: { audience }, ...(signal && { signal }) }),
  );
}
