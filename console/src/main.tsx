import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './console.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { type ReactNode, StrictMode, useMemo } from 'react';
import { createRoot } from 'react-dom/client';
import { queries } from './api/queries.js';
import { componentTexts } from './components/components.i18n.js';
import { LanguageProvider, useTexts } from './i18n/language.js';
import { router } from './router.js';
import { cssVariables, themeOf } from './theme.js';

const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce;
const place = document.getElementById('console');
if (!place) throw new Error('index.html has no place for the console');

// Where the library that locks scrolling behind a dialog looks for it.
Object.assign(globalThis, { __webpack_nonce__: nonce });

/** Looks and words of the component library. */
function Themed({ children }: { children: ReactNode }) {
  const t = useTexts(componentTexts);
  const theme = useMemo(() => themeOf(t('close')), [t]);
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce ?? ''}
    >
      {children}
    </MantineProvider>
  );
}

createRoot(place).render(
  <StrictMode>
    <LanguageProvider>
      <Themed>
        <QueryClientProvider client={queries}>
          <Notifications position="top-right" />
          <RouterProvider router={router} />
        </QueryClientProvider>
      </Themed>
    </LanguageProvider>
  </StrictMode>,
);
