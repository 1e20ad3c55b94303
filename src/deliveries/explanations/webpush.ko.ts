import type { CodeTexts } from './texts.js';
import type { WEBPUSH_EN } from './webpush.en.js';

const SUBSCRIBE_AGAIN = [
  '서버에서 할 일은 없습니다. 사용자가 여전히 알림을 허용한다면 다음 방문 때 페이지가 새로 구독하고 Carillon에 등록합니다.',
  '페이지가 방문할 때마다 pushManager.getSubscription()을 호출하고 그 결과를 등록하는지 확인하십시오.',
];
const OTHER_KEY = [
  '페이지가 애플리케이션의 현재 공개 키(GET /v1/applications/:id/webpush/public-key)로 구독하는지 확인하십시오.',
  '브라우저에서 예전 구독을 해지하고 다시 구독하면 기기가 다시 활성 상태가 됩니다.',
];
const CHECK_VAPID = [
  'Web Push 자격 증명에서 “확인(verify)”을 실행하십시오. 키 쌍이 서로 맞지 않으면 알려 줍니다.',
  '“subject”가 실제로 존재하는 mailto: 또는 https: 주소인지(Apple은 localhost를 거절합니다), 그리고 컴퓨터의 시계가 맞는지 확인하십시오.',
];
const WAIT_OUT = ['할 일은 없습니다. Carillon이 저절로 다시 시도합니다.'];
const SHRINK = [
  '글을 줄이거나, 데이터를 백엔드에 두고 ID만 보내십시오. 이 전송과 함께 표시되는 요청에서 크기를 볼 수 있습니다.',
  '알림을 다시 보내십시오. 다시 거절될 메시지는 Carillon이 반복하지 않습니다.',
];
const SLOW_DOWN = ['이 브라우저에 보내는 메시지를 줄이거나, 이어지는 소식에 같은 collapseKey를 쓰십시오.'];
const REDIRECTED = {
  title: '푸시 서비스가 요청을 다른 주소로 돌렸습니다',
  meaning: '내부망으로 이어질 수 있으므로 Carillon은 엔드포인트의 리디렉션을 절대 따라가지 않습니다.',
  nextSteps: ['엔드포인트가 완전히 옮겨졌다면 페이지에서 다시 구독하고 등록하게 하십시오.'],
};
const MISMATCH = {
  title: '구독이 다른 VAPID 키로 만들어졌습니다',
  meaning: '푸시 서비스는 구독을 만들 때 쓴 키로 보낸 메시지만 받습니다.',
  nextSteps: OTHER_KEY,
};
const SIMULATION = ['구독과 자격 증명을 같은 종류로 맞추십시오. 둘 다 시뮬레이터용이거나 둘 다 실제여야 합니다.'];

export const WEBPUSH_KO: CodeTexts<keyof typeof WEBPUSH_EN> = {
  '404': {
    title: '브라우저 구독이 만료되었습니다. 푸시 서비스가 더 이상 알지 못합니다',
    meaning: '구독 기간이 끝났거나 구독이 삭제되었습니다.',
    nextSteps: SUBSCRIBE_AGAIN,
  },
  '410': {
    title: '브라우저 구독이 만료되었습니다. 구독이 종료되었습니다',
    meaning: '사용자가 권한을 거두었거나, 브라우저 데이터를 지웠거나, 구독 기간이 끝났습니다.',
    nextSteps: SUBSCRIBE_AGAIN,
  },
  Unregistered: {
    title: '브라우저 구독이 만료되었습니다. 구독이 종료되었습니다',
    meaning:
      'Apple 푸시 서비스가 이 구독을 더 이상 알지 못합니다. 권한을 거두었거나, 데이터를 지웠거나, 웹 앱을 삭제했습니다.',
    nextSteps: SUBSCRIBE_AGAIN,
  },
  ExpiredToken: {
    title: '브라우저 구독이 만료되었습니다',
    meaning: 'Apple 푸시 서비스가 이 구독을 종료했습니다. 다시 쓸 수 없습니다.',
    nextSteps: SUBSCRIBE_AGAIN,
  },
  '400': {
    title: '푸시 서비스가 요청 형식이 잘못되었다고 거절했습니다',
    meaning:
      '헤더나 암호화된 본문이 서비스의 요구와 다릅니다. 시도에 적힌 답의 내용이 어느 것인지 알려 줄 수 있습니다.',
    nextSteps: [
      '이 전송과 함께 표시되는 요청에서 overrides(Urgency, Topic, TTL)를 확인하고 고친 뒤 알림을 다시 보내십시오.',
    ],
  },
  '400 token_refused': MISMATCH,
  '401 token_refused': MISMATCH,
  '403 token_refused': MISMATCH,
  VapidPkHashMismatch: MISMATCH,
  UnauthorizedRegistration: MISMATCH,
  '401': {
    title: '푸시 서비스가 VAPID 자격 증명을 받아들이지 않았습니다',
    meaning: '서명된 VAPID 헤더가 거절되었습니다. 새로 만든 헤더도 거절되었습니다.',
    nextSteps: CHECK_VAPID,
  },
  '403': {
    title: '푸시 서비스가 VAPID 자격 증명을 받아들이지 않았습니다',
    meaning: '서명된 VAPID 헤더가 거절되었습니다. 서명, 대상(aud), 만료 시각 또는 subject가 서비스의 요구와 다릅니다.',
    nextSteps: CHECK_VAPID,
  },
  BadJwtToken: {
    title: 'Apple이 VAPID 자격 증명을 받아들이지 않았습니다',
    meaning: '대개 subject가 없거나 localhost를 가리킵니다. 아니면 헤더의 대상(aud)이나 만료 시각이 틀렸습니다.',
    nextSteps: CHECK_VAPID,
  },
  '413': {
    title: '메시지가 푸시 서비스의 허용 크기보다 큽니다',
    meaning:
      '푸시 서비스는 암호화된 4,096바이트, 즉 내용 3,993바이트까지는 받아야 합니다. 이 메시지는 이 서비스가 받는 크기보다 큽니다.',
    nextSteps: SHRINK,
  },
  PayloadTooLarge: {
    title: '메시지가 Apple 푸시 서비스의 허용 크기보다 큽니다',
    meaning: '암호화된 4,096바이트까지 받습니다. 이 메시지는 그보다 큽니다.',
    nextSteps: SHRINK,
  },
  '406': {
    title: '푸시 서비스가 이 브라우저로 가는 메시지를 늦추고 있습니다',
    meaning: 'Windows 알림 서비스는 한 구독에 메시지가 너무 많으면 406으로 답합니다.',
    nextSteps: SLOW_DOWN,
  },
  '429': {
    title: '푸시 서비스가 이 브라우저로 가는 메시지를 늦추고 있습니다',
    meaning: '짧은 시간에 이 구독으로 메시지가 너무 많이 갔습니다. 다른 브라우저에는 영향이 없습니다.',
    nextSteps: SLOW_DOWN,
  },
  TooManyRequests: {
    title: 'Apple 푸시 서비스가 이 브라우저로 가는 메시지를 늦추고 있습니다',
    meaning: '짧은 시간에 이 구독으로 메시지가 너무 많이 갔습니다. 다른 브라우저에는 영향이 없습니다.',
    nextSteps: SLOW_DOWN,
  },
  '500': {
    title: '푸시 서비스에서 내부 오류가 났습니다',
    meaning: '원인은 푸시 서비스 쪽에 있습니다. 구독이나 메시지의 문제가 아닙니다.',
    nextSteps: WAIT_OUT,
  },
  '503': {
    title: '푸시 서비스를 일시적으로 사용할 수 없습니다',
    meaning: '푸시 서비스가 지금은 메시지를 받을 수 없었습니다. 구독이나 메시지의 문제가 아닙니다.',
    nextSteps: WAIT_OUT,
  },
  '301': REDIRECTED,
  '302': REDIRECTED,
  '307': REDIRECTED,
  '308': REDIRECTED,
  vapid_key_unknown: {
    title: '이 구독의 VAPID 키가 Carillon에 더 이상 없습니다',
    meaning: '구독을 만들 때 쓴 키 쌍이 애플리케이션에 저장된 키 가운데 없습니다.',
    nextSteps: OTHER_KEY,
  },
  endpoint_not_allowed: {
    title: '엔드포인트가 허용된 푸시 서비스의 주소가 아닙니다',
    meaning: 'Carillon은 알려진 푸시 서비스와 운영자가 추가한 서비스로만 보냅니다.',
    nextSteps: [
      '믿을 수 있는 푸시 서비스라면 그 호스트를 WEBPUSH_ALLOWED_HOSTS에 추가하고 페이지에서 다시 등록하게 하십시오.',
    ],
  },
  endpoint_is_simulated: {
    title: '구독은 시뮬레이터의 것이고 자격 증명은 그렇지 않습니다',
    meaning: '실제 자격 증명은 시뮬레이터로 절대 보내지 않습니다.',
    nextSteps: SIMULATION,
  },
  credential_is_simulated: {
    title: '자격 증명은 시뮬레이터의 것이고 구독은 그렇지 않습니다',
    meaning: '시뮬레이터용 자격 증명은 실제 푸시 서비스로 절대 보내지 않습니다.',
    nextSteps: SIMULATION,
  },
  vapid_key_unusable: {
    title: '저장된 VAPID 키로 서명할 수 없습니다',
    meaning: '저장된 개인 키로 VAPID 헤더를 만들 수 없었습니다. 아무것도 보내지 않았습니다.',
    nextSteps: [
      '새 키 쌍을 저장하십시오({ "subject", "generate": true }). 브라우저는 그 공개 키로 다시 구독해야 합니다.',
    ],
  },
  subscription_keys_unusable: {
    title: '구독의 키가 올바르지 않습니다',
    meaning: 'p256dh 또는 auth가 메시지를 암호화할 수 있는 키가 아닙니다. 아무것도 보내지 않았습니다.',
    nextSteps: ['페이지가 subscription.toJSON()을 그대로 등록하는지 확인하십시오.'],
  },
  encryption_failed: {
    title: '메시지를 암호화할 수 없었습니다',
    meaning: '이 브라우저를 위한 암호화가 Carillon 안에서 실패했습니다. 아무것도 보내지 않았습니다.',
    nextSteps: ['이 기기에서만 반복되면 페이지에서 다시 구독하게 하고, 모든 기기에서 그렇다면 워커의 로그를 보십시오.'],
  },
};
