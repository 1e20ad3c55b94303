import { type CSSVariablesResolver, createTheme } from '@mantine/core';

/** @param close what the button with the cross is called */
export const themeOf = (close: string) =>
  createTheme({
    primaryColor: 'indigo',
    primaryShade: { light: 7, dark: 7 },
    autoContrast: true,
    fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans KR", "Apple SD Gothic Neo", sans-serif',
    fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
    defaultRadius: 'md',
    respectReducedMotion: true,
    cursorType: 'pointer',
    components: {
      Button: { defaultProps: { size: 'sm' } },
      TextInput: { defaultProps: { size: 'sm' } },
      Select: { defaultProps: { size: 'sm', allowDeselect: false } },
      Modal: { defaultProps: { closeButtonProps: { 'aria-label': close } } },
      // A `<header>` there would be a second banner of the page.
      ModalHeader: { defaultProps: { component: 'div' } },
      Notification: { defaultProps: { closeButtonProps: { 'aria-label': close } } },
      Tooltip: { defaultProps: { withArrow: true, openDelay: 300 } },
    },
  });

/** The library's quiet greys are too pale for WCAG AA (4.5 : 1) on our backgrounds. */
export const cssVariables: CSSVariablesResolver = (values) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': values.colors['gray']?.[7] ?? '#495057',
    '--mantine-color-placeholder': values.colors['gray']?.[7] ?? '#495057',
    '--mantine-color-error': '#c92a2a',
    '--mantine-color-anchor': values.colors['indigo']?.[8] ?? '#3b5bdb',
    '--console-ok': '#2b8a3e',
    '--console-waiting': '#a15c00',
    '--console-problem': '#c92a2a',
    '--console-quiet': '#5c636a',
    '--console-info': '#3b5bdb',
    '--console-line': '#e3e6ea',
    '--console-sunken': '#f6f7f9',
  },
  dark: {
    '--mantine-color-dimmed': '#a9b1ba',
    '--mantine-color-placeholder': '#a9b1ba',
    '--mantine-color-error': '#ff8787',
    '--mantine-color-anchor': '#91a7ff',
    '--console-ok': '#69db7c',
    '--console-waiting': '#ffc078',
    '--console-problem': '#ff8787',
    '--console-quiet': '#a9b1ba',
    '--console-info': '#91a7ff',
    '--console-line': '#3a3f45',
    '--console-sunken': '#1f2226',
  },
});
