import { api, dataOf } from '../../api/client.js';
import { Section } from '../../components/page.js';
import { type Column, Rows } from '../../components/rows.js';
import { usePages } from '../../components/use-pages.js';
import { Time } from '../../components/values.js';
import { useTexts } from '../../i18n/language.js';
import type { HistoryEntry } from './device.js';
import { deviceTexts } from './devices.i18n.js';

const PAGE_SIZE = 100;
const DIGITS = 12;

/** What happened to a device, newest first; a removed one has a history as well. */
export function DeviceHistory({ app, device }: { app: string; device: string }) {
  const t = useTexts(deviceTexts);
  const happened = useHappened();
  const pages = usePages<HistoryEntry>({
    key: ['history', app, device],
    pageSize: PAGE_SIZE,
    load: (cursor, signal) =>
      dataOf(
        api.GET('/v1/devices/{id}/history', {
          params: { path: { id: device }, query: { applicationId: app, limit: PAGE_SIZE, ...(cursor && { cursor }) } },
          signal,
        }),
      ),
  });
  const columns: Column<HistoryEntry>[] = [
    { id: 'what', header: t('what'), width: 'minmax(0, 1fr)', cell: (entry) => happened(entry) },
    { id: 'at', header: t('when'), width: '170px', cell: ({ at }) => <Time at={at} exact /> },
  ];
  return (
    <Section title={t('history')}>
      <Rows label={t('history')} columns={columns} pages={pages} height="200px" />
    </Section>
  );
}

/** An entry in words; the meaning of `detail` differs by event. */
function useHappened(): (entry: HistoryEntry) => string {
  const t = useTexts(deviceTexts);
  return ({ event, detail }) => {
    const code = detail ?? '';
    switch (event) {
      case 'token_changed':
        if (detail === 'keys') return t('h_token_keys');
        return `${t('h_token_changed')} (${t('h_token_before', { fingerprint: code.slice(0, DIGITS) })})`;
      case 'user_changed':
        return t(detail === 'set' ? 'h_user_set' : detail === 'cleared' ? 'h_user_cleared' : 'h_user_changed');
      case 'deleted':
        return t(detail === 'replaced' ? 'h_replaced' : 'h_deleted');
      default:
        return t(`h_${event}`, { code });
    }
  };
}
