import type { ReactNode } from 'react';
import type { Tone } from '../../components/status.js';
import { Time } from '../../components/values.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { deliveryTexts } from './deliveries.i18n.js';
import type { ExplainedDelivery } from './delivery.js';
import './delivery-page.css';

type Attempt = ExplainedDelivery['attempts'][number];

const RECEIPTS = {
  delivered: 'receiptDelivered',
  displayed: 'receiptDisplayed',
  opened: 'receiptOpened',
  dismissed: 'receiptDismissed',
} as const;

/** What became of a delivery, in the order in which it happened; what is still to come stands last. */
export function Steps({ delivery }: { delivery: ExplainedDelivery }) {
  const t = useTexts(deliveryTexts);
  const { attempts, receipts, notification, nextAttemptAt, status } = delivery;
  const isScheduled = notification.sendAt !== notification.createdAt;
  return (
    <ol className="steps">
      <Step title={t('accepted')} at={notification.createdAt} />
      {isScheduled && <Step title={t('scheduled')} at={notification.sendAt} />}
      {attempts.map((attempt) => (
        <AttemptStep key={`${attempt.at} ${attempt.number}`} attempt={attempt} />
      ))}
      {receipts.map(({ type, at }) => (
        <Step key={type} tone="ok" title={t(RECEIPTS[type])} at={at} />
      ))}
      {status === 'accepted' && receipts.length === 0 && <Step title={t('noReceipt')} />}
      {nextAttemptAt !== null && <Step tone="waiting" title={t('nextAttempt')} at={nextAttemptAt} />}
      {status === 'pending' && <Step tone="waiting" title={t('expires')} at={notification.expiresAt} />}
    </ol>
  );
}

interface StepProps {
  title: ReactNode;
  at?: string;
  tone?: Tone;
  children?: ReactNode;
}

function Step({ title, at, tone = 'quiet', children }: StepProps) {
  return (
    <li data-tone={tone}>
      <header>
        <span>{title}</span>
        {at !== undefined && <Time at={at} exact />}
      </header>
      {children}
    </li>
  );
}

function AttemptStep({ attempt }: { attempt: Attempt }) {
  const t = useTexts(deliveryTexts);
  const format = useFormats();
  const { number, at, outcome, code, latencyMs, providerMessageId, detail, explanation } = attempt;
  const took = latencyMs === null ? '' : ` · ${t('took', { duration: format.duration(latencyMs) })}`;
  return (
    <Step
      at={at}
      tone={toneOfOutcome(outcome)}
      title={
        <>
          {number === 0 ? t('noCall') : t('attempt', { n: number })} · <span className="mono">{code}</span>
          {took}
        </>
      }
    >
      <p>{explanation.meaning}</p>
      <p>{explanation.action}</p>
      {detail !== null && (
        <p>
          {t('detail')}: <q className="mono">{detail}</q>
        </p>
      )}
      {providerMessageId !== null && (
        <p>
          {t('messageId')}: <span className="mono">{providerMessageId}</span>
        </p>
      )}
    </Step>
  );
}

/** What may pass by itself is no problem yet. */
function toneOfOutcome(outcome: Attempt['outcome']): Tone {
  if (outcome === 'accepted') return 'ok';
  if (outcome === null) return 'quiet';
  return ['not_processed', 'unavailable', 'throttled', 'ambiguous'].includes(outcome) ? 'waiting' : 'problem';
}
