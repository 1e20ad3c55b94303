import { Anchor, Group, Radio, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Code } from '../../components/values.js';
import { useTexts } from '../../i18n/language.js';
import type { CredentialFormProps } from './credential-modal.js';
import { credentialTexts } from './credentials.i18n.js';
import { SecretFile } from './secret-file.js';

const KEYS = 'https://developer.apple.com/account/resources/authkeys/list';
const CERTIFICATES = 'https://developer.apple.com/account/resources/certificates/list';
const MEMBERSHIP = 'https://developer.apple.com/account#MembershipDetailsCard';
const FROM_P12 = [
  'openssl pkcs12 -in push.p12 -clcerts -nokeys -out certificate.pem',
  'openssl pkcs12 -in push.p12 -nocerts -nodes -out key.pem',
].join('\n');

const KEY_FIELDS = ['keyId', 'teamId', 'bundleId', 'privateKey', 'environment'] as const;
const CERTIFICATE_FIELDS = ['certificate', 'privateKey', 'bundleId', 'environment'] as const;
type Field = (typeof KEY_FIELDS)[number] | 'certificate';

export function ApnsForm({ present, errorOf, change }: CredentialFormProps) {
  const t = useTexts(credentialTexts);
  const [isCertificate, setCertificate] = useState(false);
  const [values, setValues] = useState<Readonly<Record<Field, string>>>({
    keyId: '',
    teamId: present?.teamId ?? '',
    bundleId: present?.bundleId ?? '',
    environment: present?.environment ?? 'production',
    privateKey: '',
    certificate: '',
  });
  function tell(next: typeof values, withCertificate: boolean) {
    const fields = withCertificate ? CERTIFICATE_FIELDS : KEY_FIELDS;
    const input = Object.fromEntries(fields.map((field) => [field, secretOrName(field, next[field])]));
    change(fields.every((field) => next[field].trim() !== '') ? input : undefined);
  }
  function set(changes: Partial<typeof values>) {
    const next = { ...values, ...changes };
    setValues(next);
    tell(next, isCertificate);
  }
  const field = (name: 'keyId' | 'teamId' | 'bundleId') => ({
    label: t(name),
    value: values[name],
    onChange: (event: { currentTarget: { value: string } }) => set({ [name]: event.currentTarget.value }),
    error: errorOf(name),
    autoComplete: 'off',
    spellCheck: false,
  });
  return (
    <Stack gap="sm">
      <Radio.Group
        label={t('apnsWith')}
        value={isCertificate ? 'certificate' : 'key'}
        onChange={(value) => {
          setCertificate(value === 'certificate');
          // The key of a certificate is another one than the key of a team.
          setValues({ ...values, privateKey: '', certificate: '' });
          change(undefined);
        }}
      >
        <Group mt={6}>
          <Radio value="key" label={t('withKey')} />
          <Radio value="certificate" label={t('withCertificate')} />
        </Group>
      </Radio.Group>
      <Text size="sm" c="dimmed">
        {t(isCertificate ? 'apnsCertificateAbout' : 'apnsKeyAbout')}{' '}
        <Anchor
          href={isCertificate ? CERTIFICATES : KEYS}
          target="_blank"
          rel="noreferrer"
          underline="always"
          size="sm"
        >
          {t(isCertificate ? 'openAppleCertificates' : 'openAppleKeys')}
        </Anchor>
      </Text>
      {isCertificate ? (
        <>
          <SecretFile
            key="certificate"
            label={t('certificate')}
            placeholder="-----BEGIN CERTIFICATE-----"
            accept=".pem,.crt,.cer"
            value={values.certificate}
            error={errorOf('certificate')}
            change={(certificate) => set({ certificate })}
          />
          <SecretFile
            key="certificateKey"
            label={t('certificateKey')}
            placeholder="-----BEGIN PRIVATE KEY-----"
            accept=".pem,.key"
            value={values.privateKey}
            error={errorOf('privateKey')}
            change={(privateKey) => set({ privateKey })}
          />
          <Text size="sm" c="dimmed">
            {t('p12About')}
          </Text>
          <Code value={FROM_P12} label={t('p12')} />
        </>
      ) : (
        <SecretFile
          key="p8"
          label={t('p8')}
          about={t('p8About')}
          placeholder="-----BEGIN PRIVATE KEY-----"
          accept=".p8"
          value={values.privateKey}
          error={errorOf('privateKey')}
          change={(privateKey, fileName) => set({ privateKey, ...keyIdIn(fileName) })}
        />
      )}
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {!isCertificate && (
          <>
            <TextInput {...field('keyId')} description={t('keyIdAbout')} />
            <TextInput
              {...field('teamId')}
              description={
                <Anchor href={MEMBERSHIP} target="_blank" rel="noreferrer" underline="always" size="xs">
                  {t('teamIdAbout')}
                </Anchor>
              }
            />
          </>
        )}
        <TextInput {...field('bundleId')} description={t('bundleIdAbout')} />
        <Select
          label={t('environment')}
          description={t('environmentAbout')}
          data={(['production', 'sandbox'] as const).map((value) => ({ value, label: t(value) }))}
          value={values.environment}
          onChange={(environment) => set({ environment: environment ?? 'production' })}
          error={errorOf('environment')}
        />
      </SimpleGrid>
    </Stack>
  );
}

const secretOrName = (field: Field, value: string) =>
  field === 'privateKey' || field === 'certificate' ? value : value.trim();

/** Apple names the file after the key. */
function keyIdIn(fileName: string | undefined): { keyId?: string } {
  const keyId = /^AuthKey_([A-Z0-9]{10})/.exec(fileName ?? '')?.[1];
  return keyId === undefined ? {} : { keyId };
}
