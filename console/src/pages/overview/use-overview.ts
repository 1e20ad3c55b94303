import { useDocumentVisibility } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { Carillon, type Status } from '../../../../browser/sdk/carillon.js';
import { api, dataOf } from '../../api/client.js';
import { Problem } from '../../api/problem.js';
import { queries } from '../../api/queries.js';
import type { Overview } from './overview.js';

/** Milliseconds without news after which the snapshot is asked for; the stream brings one every second or two. */
const SILENCE_MS = 5_000;
/** Milliseconds after which a snapshot no longer says how things are, also while a call hangs. */
const OLD_MS = 15_000;

/** `live`: the stream brings every change. `reconnecting`: it does not, so the snapshot is polled. `away`: nothing answers. */
export type Freshness = Line | 'away';
type Line = 'connecting' | 'live' | 'reconnecting';

/** The overview of an application, which changes by itself while the page is in sight. */
export function useOverview(app: string) {
  const { data, error, refetch, isPaused, dataUpdatedAt } = useQuery({
    queryKey: keyOf(app),
    queryFn: ({ signal }): Promise<Overview> =>
      dataOf(api.GET('/v1/applications/{id}/overview', { params: { path: { id: app } }, signal })),
    // Each snapshot of the stream begins this time anew, so nothing is asked for while it flows.
    refetchInterval: SILENCE_MS,
  });
  const isInSight = useDocumentVisibility() !== 'hidden';
  const isOld = useIsOld(dataUpdatedAt, isInSight);
  const line = useStream(app, isInSight);
  const freshness: Freshness = error || isPaused || isOld ? 'away' : line;
  return { overview: data, error, refetch, freshness };
}

const keyOf = (app: string) => ['overview', app];

const grantOf = (app: string) =>
  dataOf(api.POST('/v1/applications/{id}/overview/stream', { params: { path: { id: app } } }));

/** Out of sight nothing is brought or asked for, so the time counts in sight alone. */
function useIsOld(updatedAtMs: number, isInSight: boolean): boolean {
  const [oldMs, setOldMs] = useState(0);
  useEffect(() => {
    if (!isInSight) return;
    const timer = setTimeout(() => setOldMs(updatedAtMs), OLD_MS);
    return () => clearTimeout(timer);
  }, [updatedAtMs, isInSight]);
  return updatedAtMs !== 0 && oldMs === updatedAtMs;
}

function useStream(app: string, isInSight: boolean): Line {
  const [line, setLine] = useState<Line>('connecting');
  const { data: grant } = useQuery({
    queryKey: ['overview-stream', app],
    queryFn: () => grantOf(app),
    enabled: isInSight,
    retry: true,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  useEffect(() => {
    // Whoever does not look costs the service nothing.
    if (!grant || !isInSight) return;
    let unused: string | undefined = grant.token;
    const carillon = new Carillon({
      url: location.origin,
      acknowledge: false,
      async getToken() {
        const token = unused ?? (await grantOf(app).catch(nobodyOf))?.token ?? null;
        unused = undefined;
        return token;
      },
    });
    carillon.subscribe(grant.channel, ({ data }) => {
      setLine('live');
      take(app, data as Overview);
    });
    carillon.on('status', ({ state }) => setLine((was) => lineAfter(was, state)));
    carillon.on('gap', () => void queries.invalidateQueries({ queryKey: keyOf(app) }));
    carillon.on('error', () => undefined);
    return () => carillon.close();
  }, [app, grant, isInSight]);
  return line;
}

/** Signed out is the end of the stream; whatever else went wrong is tried again. */
function nobodyOf(error: unknown): undefined {
  if (error instanceof Problem && error.status === 401) return undefined;
  throw error;
}

/** The first connection is not a loss, unless it fails. Open is not live before something came. */
function lineAfter(was: Line, state: Status['state']): Line {
  if (state === 'open') return was;
  return state === 'waiting' || was === 'live' ? 'reconnecting' : was;
}

/** A poll and the stream may cross: the newer one counts. */
function take(app: string, snapshot: Overview): void {
  queries.setQueryData<Overview>(keyOf(app), (known) => (known && known.at > snapshot.at ? known : snapshot));
}
