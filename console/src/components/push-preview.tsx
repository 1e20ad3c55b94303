import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTexts } from '../i18n/language.js';
import { componentTexts } from './components.i18n.js';
import './push-preview.css';

export interface PushContent {
  title?: string | undefined;
  body?: string | undefined;
  imageUrl?: string | undefined;
}

interface PushPreviewProps {
  looks: 'ios' | 'android' | 'browser';
  app: string;
  content: PushContent;
}

/**
 * A notification about as a phone or a browser shows it. The picture is loaded only when asked for: its host would learn
 * who looks at the log.
 */
export function PushPreview({ looks, app, content }: PushPreviewProps) {
  const t = useTexts(componentTexts);
  const { title, body, imageUrl } = content;
  return (
    <div className="push" data-looks={looks}>
      <div className="push-icon" aria-hidden="true">
        {app.slice(0, 1).toUpperCase()}
      </div>
      <div className="push-text">
        <div className="push-app">
          <span>{app}</span>
          <span>{t('now')}</span>
        </div>
        {title && <div className="push-title">{title}</div>}
        {body && <div className="push-body">{body}</div>}
        {imageUrl && <Picture key={imageUrl} url={imageUrl} />}
      </div>
    </div>
  );
}

function Picture({ url }: { url: string }) {
  const t = useTexts(componentTexts);
  const [isShown, setShown] = useState(false);
  if (!URL.canParse(url)) return null;
  if (isShown) return <img className="push-picture" src={url} alt="" referrerPolicy="no-referrer" />;
  return (
    <Button variant="default" size="compact-xs" mt={4} maw="100%" onClick={() => setShown(true)}>
      {t('showPicture', { host: new URL(url).host })}
    </Button>
  );
}
