import { Radio, Stack } from '@mantine/core';
import type { AccountRole } from '../../api/session.js';
import { useTexts } from '../../i18n/language.js';
import { accountsTexts } from './accounts.i18n.js';

const ROLES = [
  ['viewer', 'viewerMay'],
  ['operator', 'operatorMay'],
  ['owner', 'ownerMay'],
] as const;

/** A role with what it may do. */
export function RoleField({ value, onChange }: { value: AccountRole; onChange(role: AccountRole): void }) {
  const t = useTexts(accountsTexts);
  return (
    <Radio.Group label={t('role')} name="role" value={value} onChange={(role) => onChange(role as AccountRole)}>
      <Stack gap={6} mt={4}>
        {ROLES.map(([role, may]) => (
          <Radio key={role} value={role} label={t(role)} description={t(may)} />
        ))}
      </Stack>
    </Radio.Group>
  );
}
