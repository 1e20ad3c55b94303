import type { APNS_EN } from './apns.en.js';
import type { CodeText, CodeTexts } from './texts.js';

const REGISTER_AGAIN = [
  '서버에서 할 일은 없습니다. 앱이 다음에 열릴 때 새 토큰을 Carillon에 등록합니다.',
  '사용자가 지금 앱을 쓰고 있다면, 앱이 시작될 때마다 원격 알림을 등록하고 토큰을 POST /v1/devices로 보내는지 확인하십시오.',
];
const CHECK_KEY = [
  'APNs 자격 증명에서 “확인(verify)”을 실행해 Apple이 지금 무엇이라고 답하는지 보십시오.',
  'Apple 개발자 계정의 Keys에서 키 ID, 팀 ID, 환경을 저장된 자격 증명과 비교하십시오. 키가 폐기되었다면 새 키를 만들어 저장하십시오.',
  '자격 증명이 작동하면 대기 중인 전송은 저절로 나갑니다.',
];
const CHECK_CERTIFICATE = [
  '저장된 인증서의 만료일과 환경을 확인하고, 필요하면 Apple 개발자 계정에서 갱신하십시오.',
  '만료되지 않는 토큰 키(.p8)로 바꾸는 것도 방법입니다.',
];
const CHECK_BUNDLE = [
  'APNs 자격 증명의 번들 ID와 Xcode에 있는 앱의 번들 ID를 비교하십시오.',
  'overrides에서 토픽 접미사나 push type을 정했다면 둘이 서로 맞는지 확인하십시오.',
];
const FIX_OVERRIDES = [
  '이 전송과 함께 표시되는 요청을 이 헤더에 대한 Apple의 규칙과 비교하고, options나 overrides를 고친 뒤 알림을 다시 보내십시오.',
];
const WAIT_OUT = [
  '할 일은 없습니다. Carillon이 저절로 다시 시도합니다. 오래 계속되면 developer.apple.com/system-status를 확인하십시오.',
];
const OTHER_ENVIRONMENT = {
  title: 'APNs 키가 다른 환경의 것입니다',
  meaning: '이 키는 샌드박스 또는 프로덕션에서만 쓸 수 있는데, 푸시가 다른 쪽으로 갔습니다.',
  nextSteps: CHECK_KEY,
};

function badHeader(header: string, rule: string): CodeText {
  return { title: `APNs가 ${header} 값을 거절했습니다`, meaning: rule, nextSteps: FIX_OVERRIDES };
}

export const APNS_KO: CodeTexts<keyof typeof APNS_EN> = {
  Unregistered: {
    title: '기기 토큰이 만료되었습니다. APNs에 따르면 앱이 더 이상 없습니다',
    meaning: 'APNs가 알려 준 시각에 앱이 삭제되었거나 기기에 새 토큰이 발급되었습니다.',
    nextSteps: REGISTER_AGAIN,
  },
  ExpiredToken: {
    title: '기기 토큰이 만료되었습니다',
    meaning: 'APNs가 이 토큰을 새것으로 바꾸었습니다. 예전 토큰은 다시 쓸 수 없습니다.',
    nextSteps: REGISTER_AGAIN,
  },
  BadDeviceToken: {
    title: 'APNs가 이 환경에서 기기 토큰을 알지 못합니다',
    meaning:
      '토큰이 잘못되었거나 다른 환경의 토큰입니다. Xcode에서 실행한 빌드는 샌드박스 토큰을, TestFlight와 App Store 빌드는 프로덕션 토큰을 받습니다.',
    nextSteps: [
      '기기의 환경을 설치된 빌드와 비교하고, 샌드박스 빌드는 "environment": "sandbox"로 등록하십시오.',
      '앱이 올바른 환경으로 등록하면 기기가 다시 활성 상태가 됩니다.',
    ],
  },
  DeviceTokenNotForTopic: {
    title: '기기 토큰이 다른 앱의 것입니다',
    meaning: '저장된 자격 증명의 번들 ID가 아닌 다른 번들 ID로 발급된 토큰입니다.',
    nextSteps: [...CHECK_BUNDLE, '올바른 앱이 등록하면 기기가 다시 활성 상태가 됩니다.'],
  },
  BadTopic: {
    title: 'APNs가 토픽을 거절했습니다',
    meaning: '토픽(번들 ID와 일부 push type의 접미사)을 APNs가 알지 못합니다.',
    nextSteps: CHECK_BUNDLE,
  },
  MissingTopic: {
    title: 'APNs 요청에 토픽이 없었습니다',
    meaning: '자격 증명에 여러 토픽이 속하는데 요청이 그중 하나를 지정하지 않았습니다.',
    nextSteps: CHECK_BUNDLE,
  },
  TopicDisallowed: {
    title: 'APNs 자격 증명으로 이 토픽에 보낼 수 없습니다',
    meaning: '키나 인증서가 이 번들 ID 또는 이 접미사를 포함하지 않습니다.',
    nextSteps: CHECK_BUNDLE,
  },
  PayloadTooLarge: {
    title: '메시지가 APNs의 허용 크기보다 큽니다',
    meaning: 'APNs는 4,096바이트(VoIP는 5,120바이트)까지 받습니다. 이 메시지는 그보다 큽니다.',
    nextSteps: [
      '글을 줄이거나, 데이터를 백엔드에 두고 ID만 보내십시오. 이 전송과 함께 표시되는 요청에서 크기를 볼 수 있습니다.',
      '알림을 다시 보내십시오. 다시 거절될 메시지는 Carillon이 반복하지 않습니다.',
    ],
  },
  PayloadEmpty: {
    title: 'APNs에 내용이 없는 메시지가 갔습니다',
    meaning: '페이로드가 비어 있었습니다.',
    nextSteps: ['알림에 제목, 본문 또는 데이터를 넣고 overrides를 확인한 뒤 다시 보내십시오.'],
  },
  BadCollapseId: badHeader('collapse id', 'apns-collapse-id는 64바이트까지입니다.'),
  BadExpirationDate: badHeader('만료 시각', 'apns-expiration은 1970년부터의 초(정수) 또는 0이어야 합니다.'),
  BadMessageId: badHeader('메시지 ID', 'apns-id는 UUID여야 합니다. Carillon이 알림과 기기에서 만들어 냅니다.'),
  BadPriority: badHeader('우선순위', 'apns-priority는 10, 5, 1 중 하나이고 백그라운드 푸시는 5여야 합니다.'),
  InvalidPushType: badHeader('push type', 'apns-push-type을 알 수 없거나 토픽 및 내용과 맞지 않습니다.'),
  DuplicateHeaders: badHeader('헤더', '같은 헤더가 두 번 이상 있었습니다.'),
  MissingDeviceToken: {
    title: 'APNs 요청에 기기 토큰이 없었습니다',
    meaning: '요청 경로에 토큰이 없었습니다.',
    nextSteps: ['기기를 다시 등록하십시오. 반복되면 Carillon의 결함으로 신고해 주십시오.'],
  },
  BadPath: {
    title: 'APNs가 요청 경로를 알지 못합니다',
    meaning: '주소가 /3/device/<token> 형식이 아니었습니다.',
    nextSteps: ['APNS_BASE_URL과 APNS_SANDBOX_BASE_URL을 설정했다면 그 값을 확인하십시오.'],
  },
  MethodNotAllowed: {
    title: 'APNs가 요청 메서드를 거절했습니다',
    meaning: 'APNs는 POST만 받습니다. Carillon과 Apple 사이의 무언가가 요청을 바꾸었을 수 있습니다.',
    nextSteps: ['APNS_BASE_URL과 APNS_SANDBOX_BASE_URL을 설정했다면 그 값과 프록시를 확인하십시오.'],
  },
  ExpiredProviderToken: {
    title: 'APNs가 공급자 토큰이 만료되었다고 합니다',
    meaning: 'Apple이 보기에 서명된 토큰이 한 시간을 넘었고 새 토큰도 소용이 없었습니다. 대개 시계가 틀린 경우입니다.',
    nextSteps: ['Carillon과 Postgres가 실행되는 컴퓨터의 시계를 확인하십시오.', ...CHECK_KEY],
  },
  InvalidProviderToken: {
    title: 'APNs가 자격 증명을 받아들이지 않았습니다',
    meaning: '키 ID, 팀 ID, 키가 서로 맞지 않거나 키가 폐기되었습니다.',
    nextSteps: CHECK_KEY,
  },
  MissingProviderToken: {
    title: 'APNs에 도착한 요청에 자격 증명이 없었습니다',
    meaning: '공급자 토큰도 인증서도 Apple에 도착하지 않았습니다.',
    nextSteps: CHECK_KEY,
  },
  BadCertificate: {
    title: 'APNs가 인증서를 받아들이지 않았습니다',
    meaning: '인증서가 만료되었거나 폐기되었거나 푸시 알림용이 아닙니다.',
    nextSteps: CHECK_CERTIFICATE,
  },
  BadCertificateEnvironment: {
    title: 'APNs 인증서가 다른 환경의 것입니다',
    meaning: '샌드박스 인증서를 프로덕션에 썼거나 그 반대입니다.',
    nextSteps: CHECK_CERTIFICATE,
  },
  BadEnvironmentKeyIdInToken: OTHER_ENVIRONMENT,
  BadEnvironmentKeyInToken: OTHER_ENVIRONMENT,
  UnrelatedKeyIdInToken: {
    title: 'APNs가 이 연결에서 이 키를 인정하지 않습니다',
    meaning: '연결이 다른 키에 묶여 있었고, 새 연결도 소용이 없었습니다.',
    nextSteps: CHECK_KEY,
  },
  Forbidden: {
    title: 'APNs가 이 자격 증명의 전송을 금지했습니다',
    meaning: '팀이 이 앱에 보낼 수 없습니다. 멤버십, 약관 동의 또는 키 권한이 없습니다.',
    nextSteps: CHECK_KEY,
  },
  TooManyRequests: {
    title: 'APNs가 이 기기에 메시지가 너무 많다고 답했습니다',
    meaning: 'APNs는 한 기기로 보내는 속도를 제한합니다. 다른 기기에는 영향이 없습니다.',
    nextSteps: ['이 기기에 보내는 메시지를 줄이거나, 이어지는 소식에 같은 collapseKey를 쓰십시오.'],
  },
  TooManyProviderTokenUpdates: {
    title: 'APNs가 공급자 토큰이 너무 자주 바뀐다고 답했습니다',
    meaning:
      '공급자 토큰은 20분에 한 번만 갱신할 수 있습니다. Carillon은 하나를 함께 쓰므로, 다른 시스템이 같은 키를 쓰고 있을 수 있습니다.',
    nextSteps: ['다른 시스템이 이 키로 토큰을 만드는지 확인하고, 그 시스템에는 별도의 키를 주십시오.'],
  },
  InternalServerError: {
    title: 'APNs에서 내부 오류가 났습니다',
    meaning: '원인은 Apple 쪽에 있습니다. 토큰이나 메시지의 문제가 아닙니다.',
    nextSteps: WAIT_OUT,
  },
  ServiceUnavailable: {
    title: 'APNs를 일시적으로 사용할 수 없습니다',
    meaning: 'Apple이 지금은 메시지를 받을 수 없었습니다. 토큰이나 메시지의 문제가 아닙니다.',
    nextSteps: WAIT_OUT,
  },
  Shutdown: {
    title: 'APNs 서버가 종료되는 중이었습니다',
    meaning: '서버가 메시지를 받기 전에 연결을 닫았습니다. 새 연결은 다른 서버로 갑니다.',
    nextSteps: [],
  },
  IdleTimeout: {
    title: 'APNs가 쉬고 있던 연결을 닫았습니다',
    meaning: '연결이 끝나는 순간에 메시지가 도착하여 받아들여지지 않았습니다.',
    nextSteps: [],
  },
};
