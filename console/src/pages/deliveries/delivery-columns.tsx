import { useMemo } from 'react';
import type { Column } from '../../components/rows.js';
import { Dot, ProviderName, Status } from '../../components/status.js';
import { Time } from '../../components/values.js';
import { useTexts } from '../../i18n/language.js';
import { deliveryTexts } from './deliveries.i18n.js';
import { type Delivery, timeOf, toneOf } from './delivery.js';

/** What a list of deliveries shows of each. `of: 'device'` leaves out what is the same for all deliveries of a device. */
export function useDeliveryColumns(of: 'application' | 'device'): readonly Column<Delivery>[] {
  const t = useTexts(deliveryTexts);
  return useMemo(() => {
    const all: Column<Delivery>[] = [
      {
        id: 'what',
        header: t('what'),
        width: 'minmax(0, 4fr)',
        cell: ({ explanation }) => (
          <span title={explanation.title}>
            <Dot tone={toneOf(explanation)}>{explanation.title}</Dot>
          </span>
        ),
      },
      {
        id: 'status',
        header: t('status'),
        width: '104px',
        isExtra: true,
        cell: ({ status }) => <Status status={status} />,
      },
      {
        id: 'code',
        header: t('code'),
        width: 'minmax(0, 1fr)',
        isExtra: true,
        cell: ({ attempts }) => <span className="mono">{attempts.at(-1)?.code ?? '–'}</span>,
      },
      {
        id: 'provider',
        header: t('provider'),
        width: '88px',
        isExtra: true,
        cell: ({ provider }) => <ProviderName provider={provider} />,
      },
      { id: 'user', header: t('user'), width: 'minmax(0, 1fr)', isExtra: true, cell: ({ userId }) => userId ?? '–' },
      {
        id: 'attempts',
        header: t('attempts'),
        width: '70px',
        isNumber: true,
        isExtra: true,
        cell: ({ attempts }) => attempts.filter(({ number }) => number > 0).length,
      },
      { id: 'last', header: t('last'), width: '92px', cell: (delivery) => <Time at={timeOf(delivery)} /> },
    ];
    return of === 'device' ? all.filter(({ id }) => id !== 'provider' && id !== 'user') : all;
  }, [t, of]);
}
