import { useMemo } from 'react';
import type { Column } from '../../components/rows.js';
import { Dot, ProviderName, Status } from '../../components/status.js';
import { Time } from '../../components/values.js';
import { useTexts } from '../../i18n/language.js';
import { deliveryTexts } from './deliveries.i18n.js';
import { type Delivery, timeOf, toneOf } from './delivery.js';

/** What is the same for all of a list, or has no room: a search is for one status, a device has one provider. */
const LEFT_OUT = {
  application: ['status'],
  device: ['status', 'provider', 'user', 'attempts'],
} as const satisfies Record<string, readonly string[]>;

/** What a list of deliveries shows of each. */
export function useDeliveryColumns(of: keyof typeof LEFT_OUT): readonly Column<Delivery>[] {
  const t = useTexts(deliveryTexts);
  return useMemo(() => {
    const all: Column<Delivery>[] = [
      {
        id: 'what',
        header: t('what'),
        width: 'minmax(0, 4fr)',
        cell: ({ explanation }) => (
          <span title={explanation.title}>
            <Dot tone={toneOf(explanation)}>{''}</Dot> {explanation.title}
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
    return all.filter(({ id }) => !LEFT_OUT[of].some((each) => each === id));
  }, [t, of]);
}
