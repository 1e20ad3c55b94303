import './settings.css';
import { Alert, Button, Group, Skeleton, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery } from '@tanstack/react-query';
import { api } from '../../api/client.js';
import { queries } from '../../api/queries.js';
import { useMay } from '../../api/session.js';
import { componentTexts } from '../../components/components.i18n.js';
import { ConfirmButton } from '../../components/confirm-button.js';
import { Section } from '../../components/page.js';
import { ProblemAlert } from '../../components/problem-alert.js';
import { Dot } from '../../components/status.js';
import { Id, Time } from '../../components/values.js';
import { useFormats } from '../../i18n/format.js';
import { useTexts } from '../../i18n/language.js';
import { CredentialModal } from './credential-modal.js';
import { credentialTexts } from './credentials.i18n.js';
import {
  adviceFor,
  type Credential,
  credentialsOf,
  PROVIDERS,
  type ProviderName,
  PUBLIC_PARTS,
  type Verification,
  verdictOf,
  verifyCredential,
} from './credentials.js';

/** Milliseconds before its end at which a certificate is worth a warning. */
const WARN_BEFORE_MS = 30 * 86_400_000;

export function CredentialsTab({ app }: { app: string }) {
  const credentials = useQuery({
    queryKey: ['credentials', app],
    queryFn: ({ signal }) => credentialsOf(app, signal),
  });
  if (credentials.error) return <ProblemAlert error={credentials.error} retry={credentials.refetch} />;
  return (
    <Stack>
      {PROVIDERS.map((provider) =>
        credentials.data ? (
          <ProviderSection
            key={provider}
            app={app}
            provider={provider}
            credential={credentials.data.find((each) => each.provider === provider)}
          />
        ) : (
          <Skeleton key={provider} height={180} />
        ),
      )}
    </Stack>
  );
}

interface ProviderProps {
  app: string;
  provider: ProviderName;
  credential: Credential | undefined;
}

function ProviderSection({ app, provider, credential }: ProviderProps) {
  const t = useTexts(credentialTexts);
  const name = useTexts(componentTexts)(provider);
  const isOwner = useMay('owner');
  const mayOperate = useMay('operator');
  const [isOpen, modal] = useDisclosure(false);
  const refresh = () => queries.invalidateQueries({ queryKey: ['credentials', app] });
  const verify = useMutation({ mutationFn: () => verifyCredential(app, provider), onSettled: refresh });
  const remove = useMutation({
    mutationFn: () =>
      api.DELETE('/v1/applications/{id}/credentials/{provider}', { params: { path: { id: app, provider } } }),
    onSuccess: verify.reset,
    onSettled: refresh,
  });
  const actions = (
    <Group gap="xs">
      {credential && mayOperate && (
        <Button size="xs" variant="default" onClick={() => verify.mutate()} loading={verify.isPending}>
          {t('verify')}
        </Button>
      )}
      {isOwner && (
        <Button size="xs" variant={credential ? 'default' : 'filled'} onClick={modal.open}>
          {t(credential ? 'replace' : 'setUp')}
        </Button>
      )}
      {credential && isOwner && (
        <ConfirmButton
          size="xs"
          color="red"
          question={t('removeQuestion', { provider: name })}
          act={remove.mutate}
          loading={remove.isPending}
        >
          {t('remove')}
        </ConfirmButton>
      )}
    </Group>
  );
  return (
    <Section title={name} actions={actions}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t(`${provider}About`)}
        </Text>
        {verify.data && <Verdict provider={provider} verification={verify.data} />}
        {credential ? (
          <Facts credential={credential} />
        ) : (
          <>
            <Text size="sm" component="div">
              <Dot tone="quiet">{t('missing')}</Dot>
            </Text>
            <Text size="sm">{t(`${provider}Missing`)}</Text>
          </>
        )}
      </Stack>
      {isOpen && (
        <CredentialModal
          app={app}
          provider={provider}
          present={credential}
          close={modal.close}
          stored={async () => {
            modal.close();
            await refresh();
            verify.mutate();
          }}
        />
      )}
    </Section>
  );
}

function Verdict({ provider, verification }: { provider: ProviderName; verification: Verification }) {
  const t = useTexts(credentialTexts);
  const name = useTexts(componentTexts)(provider);
  const { ok, state, code, detail } = verification;
  return (
    <Alert color={ok ? 'teal' : 'red'} variant="outline" role="status">
      <Text size="sm">{t(verdictOf(provider, verification), { provider: name, code })}</Text>
      {!ok && state === 'broken' && <Text size="sm">{t(adviceFor(provider, code))}</Text>}
      {!ok && detail !== null && (
        <Text size="xs" c="dimmed">
          {detail}
        </Text>
      )}
    </Alert>
  );
}

function Facts({ credential }: { credential: Credential }) {
  const t = useTexts(credentialTexts);
  const { state, stateReason, provider, fingerprint, version, simulated, createdAt } = credential;
  return (
    <>
      <Text size="sm" component="div">
        <Dot tone={state === 'ok' ? 'ok' : 'problem'}>{t(state)}</Dot>
      </Text>
      {stateReason !== null && (
        <Text size="sm">
          {t('reason', { reason: stateReason })} {state === 'broken' && t(adviceFor(provider, stateReason))}
        </Text>
      )}
      <Expiry at={credential.certificateExpiresAt} />
      {simulated && <Text size="sm">{t('simulated')}</Text>}
      <dl className="setting-facts">
        {PUBLIC_PARTS.map((part) => {
          const value = credential[part];
          return (
            value !== undefined && (
              <div key={part}>
                <dt>{t(part)}</dt>
                <dd>
                  {part === 'certificateExpiresAt' ? <Time at={value} exact /> : <Value part={part} value={value} />}
                </dd>
              </div>
            )
          );
        })}
        <div>
          <dt>{t('fingerprint')}</dt>
          <dd>
            <Id id={fingerprint} label={t('fingerprint')} />
          </dd>
        </div>
        <div>
          <dt>{t('stored')}</dt>
          <dd>
            <Time at={createdAt} /> · {t('version')} {version}
          </dd>
        </div>
      </dl>
    </>
  );
}

function Value({ part, value }: { part: (typeof PUBLIC_PARTS)[number]; value: string }) {
  const t = useTexts(credentialTexts);
  if (part === 'publicKey') return <Id id={value} label={t('publicKey')} />;
  if (value === 'production' || value === 'sandbox') return <>{t(value)}</>;
  return <span className="mono">{value}</span>;
}

function Expiry({ at }: { at: string | undefined }) {
  const t = useTexts(credentialTexts);
  const format = useFormats();
  if (at === undefined) return null;
  const leftMs = Date.parse(at) - Date.now();
  if (leftMs > WARN_BEFORE_MS) return null;
  return (
    <Alert color={leftMs > 0 ? 'orange' : 'red'} variant="outline" role="alert">
      <Text size="sm">{leftMs > 0 ? t('expiresSoon', { when: format.relative(at) }) : t('expiredAlready')}</Text>
    </Alert>
  );
}
