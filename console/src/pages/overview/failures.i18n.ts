import { defineTexts } from '../../i18n/language.js';

/** What to do about calls that were not accepted, by their outcome. */
export const failureTexts = defineTexts({
  en: {
    token_invalid: 'Nothing: the app was removed or its token replaced, and the device is set inactive.',
    token_refused: 'Check that these devices were registered with the project, environment or key of the credential.',
    message_invalid: 'Change the content or the overrides: the provider does not take them. The detail is in the log.',
    throttled: 'Nothing at once: it is tried again when the provider allows. Spread campaigns if it happens often.',
    unavailable: 'Nothing at once: it is tried again. If it goes on, look at the provider’s status page.',
    ambiguous: 'Nothing at once: it is tried again unless it is to be sent at most once. Check the network.',
    not_processed: 'Nothing: it is tried again at once.',
    credential_invalid: 'Store a new credential, or verify this one: the provider refuses it.',
  },
  ko: {
    token_invalid: '조치할 것이 없습니다. 앱이 삭제되었거나 토큰이 바뀌어 기기를 비활성화했습니다.',
    token_refused: '기기가 자격 증명과 같은 프로젝트, 환경, 키로 등록되었는지 확인하십시오.',
    message_invalid:
      '제공자가 받아들이지 않는 내용입니다. 내용이나 재정의 값을 고치십시오. 자세한 원인은 로그에 있습니다.',
    throttled: '지금 조치할 것은 없습니다. 제공자가 허용하면 다시 시도합니다. 자주 발생하면 발송을 나누십시오.',
    unavailable: '지금 조치할 것은 없습니다. 다시 시도합니다. 계속되면 제공자 상태 페이지를 확인하십시오.',
    ambiguous: '지금 조치할 것은 없습니다. 최대 한 번 전송이 아니면 다시 시도합니다. 네트워크를 확인하십시오.',
    not_processed: '조치할 것이 없습니다. 바로 다시 시도합니다.',
    credential_invalid: '제공자가 자격 증명을 거부합니다. 새로 저장하거나 확인하십시오.',
  },
});
