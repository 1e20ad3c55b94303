import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api, dataOf } from '../../api/client.js';
import { useMay } from '../../api/session.js';
import { ConfirmButton } from '../../components/confirm-button.js';
import { RouteButton } from '../../components/links.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { notificationPageTexts } from './notification.i18n.js';
import { hasEnded, type Notification, notificationKey, paramsOf } from './notification-queries.js';

interface OfNotification {
  app: string;
  notification: Notification;
}

/** What may be done with a notification in the state that it is in. */
export function Actions({ app, notification }: OfNotification) {
  const t = useTexts(notificationPageTexts);
  const format = useFormats();
  const mayOperate = useMay('operator');
  const { pause, resume, cancel } = useControls(app, notification.id);
  const { status, counts, id } = notification;
  const isOpen = status !== 'completed' && status !== 'cancelled';
  if (!mayOperate) return null;
  return (
    <>
      {isOpen && status !== 'paused' && (
        <Button variant="default" onClick={() => pause.mutate()} loading={pause.isPending}>
          {t('pause')}
        </Button>
      )}
      {status === 'paused' && (
        <Button onClick={() => resume.mutate()} loading={resume.isPending}>
          {t('resume')}
        </Button>
      )}
      {isOpen && (
        <ConfirmButton
          question={
            status === 'scheduled' ? t('cancelScheduled') : t('cancelQuestion', { n: format.number(counts.pending) })
          }
          color="red"
          act={() => cancel.mutate()}
          loading={cancel.isPending}
        >
          {t('cancel')}
        </ConfirmButton>
      )}
      {hasEnded(notification) && counts.failed > 0 && <Retry app={app} id={id} deliveries={counts.failed} />}
      <RouteButton variant="default" to="/apps/$app/compose" params={{ app }} search={{ like: id }}>
        {t('again')}
      </RouteButton>
    </>
  );
}

function useControls(app: string, id: string) {
  const queries = useQueryClient();
  const onSettled = () => {
    void queries.invalidateQueries({ queryKey: ['notifications', app] });
    return queries.invalidateQueries({ queryKey: notificationKey(app, id) });
  };
  const pause = useMutation({
    mutationFn: () => api.POST('/v1/notifications/{id}/pause', paramsOf(app, id)),
    onSettled,
  });
  const resume = useMutation({
    mutationFn: () => api.POST('/v1/notifications/{id}/resume', paramsOf(app, id)),
    onSettled,
  });
  const cancel = useMutation({
    mutationFn: () => api.POST('/v1/notifications/{id}/cancel', paramsOf(app, id)),
    onSettled,
  });
  return { pause, resume, cancel };
}

interface RetryProps {
  app: string;
  id: string;
  /** Only what failed with this code. */
  code?: string;
  /** How many failed so. */
  deliveries: number;
}

/** Sends the same content once more to those whom it failed to reach, and leads to what comes of it. */
export function Retry({ app, id, code, deliveries }: RetryProps) {
  const t = useTexts(notificationPageTexts);
  const format = useFormats();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const retry = useMutation({
    mutationFn: () =>
      dataOf(
        api.POST('/v1/notifications/{id}/retry-failed', {
          ...paramsOf(app, id),
          body: code === undefined ? {} : { codes: [code] },
        }),
      ),
    onSuccess: async (accepted) => {
      notifications.show({ message: t('retried') });
      void queries.invalidateQueries({ queryKey: ['notifications', app] });
      await navigate({ to: '/apps/$app/notifications/$notification', params: { app, notification: accepted.id } });
    },
  });
  return (
    <ConfirmButton
      question={t('retryQuestion', { n: format.number(deliveries) })}
      confirm={t('retryConfirm')}
      act={() => retry.mutate()}
      loading={retry.isPending}
      {...(code !== undefined && { size: 'xs', 'aria-label': `${t('retryCode')}: ${code}` })}
    >
      {t(code === undefined ? 'retry' : 'retryCode')}
    </ConfirmButton>
  );
}
