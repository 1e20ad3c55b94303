import './compose.css';
import { Skeleton, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, dataOf } from '../../api/client.js';
import { queries } from '../../api/queries.js';
import { useMay } from '../../api/session.js';
import { RouteLink } from '../../components/links.js';
import { Nothing, Page } from '../../components/page.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { useTexts } from '../../i18n/language.js';
import { applicationsQuery } from '../../shell/applications.js';
import { AudienceFields } from './audience-fields.js';
import { composeTexts } from './compose.i18n.js';
import { ContentFields } from './content-fields.js';
import { type Draft, draftFor, draftLike, isSame, type NotificationBody, requestOf } from './draft.js';
import { errorAt, errorsElsewhere, errorsOf } from './fields.js';
import { OptionsFields, OverrideFields } from './options-fields.js';
import { LookPanel, RequestsPanel } from './preview-panel.js';
import { SendPanel } from './send-panel.js';
import { usePreview } from './use-compose.js';

const route = getRouteApi('/inside/apps/$app/compose');

export function ComposePage() {
  const t = useTexts(composeTexts);
  const { app } = route.useParams();
  const search = route.useSearch();
  const { like } = search;
  const mayOperate = useMay('operator');
  const earlier = useQuery({
    queryKey: ['notification', app, like],
    enabled: like !== undefined && mayOperate,
    queryFn: ({ signal }) => {
      const params = { path: { id: like ?? '' }, query: { applicationId: app } };
      return dataOf(api.GET('/v1/notifications/{id}', { params, signal }));
    },
  });
  const about = like === undefined ? t('about') : <Earlier app={app} id={like} />;
  return (
    <Page title={t('title')} about={about}>
      {!mayOperate ? (
        <Nothing>{t('notAllowed')}</Nothing>
      ) : like === undefined ? (
        <Composer key={`${search.userId} ${search.deviceId}`} app={app} first={draftFor(search)} />
      ) : earlier.error ? (
        <ProblemAlert error={earlier.error} retry={earlier.refetch} />
      ) : earlier.data ? (
        <Composer key={like} app={app} first={draftLike(earlier.data)} />
      ) : (
        <Skeleton height={480} />
      )}
    </Page>
  );
}

function Earlier({ app, id }: { app: string; id: string }) {
  const t = useTexts(composeTexts);
  return (
    <Text size="sm">
      <RouteLink to="/apps/$app/notifications/$notification" params={{ app, notification: id }} underline="always">
        {t('like')}
      </RouteLink>
    </Text>
  );
}

function Composer({ app, first }: { app: string; first: Draft }) {
  const t = useTexts(composeTexts);
  const [draft, setDraft] = useState(first);
  const { data: applications = [] } = useQuery(applicationsQuery);
  const preview = usePreview(app, draft);
  const { send, again } = useSending(app);
  const { body, problems } = requestOf(draft);
  // What was wrong with the draft as it was when it was sent says nothing about what it has become.
  const sendError = isSame(send.variables, body) ? send.error : null;
  const errors = errorsOf([preview.error, sendError], problems, t);
  const fields = {
    draft,
    set: (changes: Partial<Draft>) => setDraft((before) => ({ ...before, ...changes })),
    errorAt: (path: string) => errorAt(errors, path),
  };
  return (
    <div className="compose">
      <div>
        <AudienceFields {...fields} />
        <ContentFields {...fields} />
        <OptionsFields {...fields} />
        <OverrideFields {...fields} />
      </div>
      <div>
        <LookPanel draft={draft} app={applications.find(({ id }) => id === app)?.name ?? 'Carillon'} />
        <RequestsPanel
          preview={preview.data}
          isLoading={preview.isLoading}
          error={preview.error}
          elsewhere={errorsElsewhere(errors)}
        />
        <SendPanel app={app} draft={draft} send={{ ...send, error: sendError }} again={again} />
      </div>
    </div>
  );
}

/** One key for all tries of one compose: whatever is clicked, and however often a line breaks, it is sent once. */
function useSending(app: string) {
  const t = useTexts(composeTexts);
  const navigate = useNavigate();
  const [key, setKey] = useState(() => crypto.randomUUID());
  const send = useMutation({
    meta: { showsItself: true },
    mutationFn: (body: NotificationBody) => {
      const params = { query: { applicationId: app }, header: { 'idempotency-key': key } };
      return dataOf(api.POST('/v1/notifications', { params, body }));
    },
    onSuccess: async ({ id }) => {
      notifications.show({ message: t('sent') });
      await queries.invalidateQueries({ queryKey: ['notifications'] });
      await navigate({ to: '/apps/$app/notifications/$notification', params: { app, notification: id } });
    },
  });
  function again() {
    setKey(crypto.randomUUID());
    send.reset();
  }
  return { send, again };
}
