import type { FCM_EN } from './fcm.en.js';
import type { CodeTexts } from './texts.js';

const REGISTER_AGAIN = [
  '서버에서 할 일은 없습니다. 앱이 다음에 열릴 때 새 토큰을 Carillon에 등록합니다.',
  '사용자가 지금 앱을 쓰고 있다면, 앱이 시작될 때마다 그리고 Firebase가 새 토큰을 줄 때마다 POST /v1/devices를 호출하는지 확인하십시오.',
];
const CHECK_ACCOUNT = [
  'FCM 자격 증명에서 “확인(verify)”을 실행해 Google이 지금 무엇이라고 답하는지 보십시오.',
  'Google Cloud 콘솔에서 서비스 계정이 존재하고 활성 상태이며 “Firebase Cloud Messaging API Admin” 역할이 있는지 확인하십시오.',
  '키가 삭제되었거나 교체되었다면 새 키를 만들어 Carillon에 저장하십시오. 대기 중인 전송은 저절로 나갑니다.',
];
const FIX_CONTENT = [
  '이 전송과 함께 표시되는 요청에서 FCM이 지목한 필드를 확인하고, 내용이나 overrides를 고친 뒤 알림을 다시 보내십시오.',
];
const FIX_APNS_KEY = [
  'Firebase 콘솔의 프로젝트 설정 > 클라우드 메시징에서 iOS 앱의 APNs 키를 올바른 것으로 올리거나 웹 푸시 키 쌍을 갱신하십시오.',
  '실패한 기기에 알림을 다시 보내십시오.',
];
const WAIT_OUT = [
  '할 일은 없습니다. Carillon이 저절로 다시 시도합니다. 오래 계속되면 status.firebase.google.com을 확인하십시오.',
];
const RAISE_QUOTA = [
  '이 전송에 대해 할 일은 없습니다. 할당량이 허용되는 대로 나갑니다.',
  '자주 일어난다면 대량 발송을 더 긴 시간에 나누거나 Google Cloud 콘솔에서 할당량 상향을 신청하십시오.',
];
const ACCOUNT_REFUSED = 'Google이 저장된 서비스 계정에 액세스 토큰을 내주지 않아 아무것도 보낼 수 없었습니다.';

export const FCM_KO: CodeTexts<keyof typeof FCM_EN> = {
  UNREGISTERED: {
    title: '기기 토큰이 만료되었습니다. FCM이 이 앱 설치를 더 이상 알지 못합니다',
    meaning: '앱이 삭제되었거나, 앱 데이터가 지워졌거나, 새 토큰이 발급되었거나, 약 270일 동안 앱이 열리지 않았습니다.',
    nextSteps: REGISTER_AGAIN,
  },
  'INVALID_ARGUMENT token_invalid': {
    title: '기기 토큰이 올바른 FCM 토큰이 아닙니다',
    meaning: 'FCM이 토큰을 읽지 못했습니다. 토큰이 잘렸거나 바뀌었거나 다른 서비스의 토큰입니다.',
    nextSteps: [
      '앱이 APNs 토큰이나 설치 ID가 아니라 FCM 등록 토큰을 그대로 등록하는지 확인하십시오.',
      '앱이 올바른 토큰을 등록하면 이 기기는 바로 다시 쓸 수 있습니다.',
    ],
  },
  'INVALID_ARGUMENT too_big': {
    title: '메시지가 FCM의 허용 크기보다 큽니다',
    meaning: 'FCM은 알림과 데이터를 합쳐 4,096바이트까지 받습니다. 이 메시지는 그보다 큽니다.',
    nextSteps: [
      '글을 줄이거나, 데이터를 백엔드에 두고 ID만 보내십시오. 이 전송과 함께 표시되는 요청에서 크기를 볼 수 있습니다.',
      '알림을 다시 보내십시오. 다시 거절될 메시지는 Carillon이 반복하지 않습니다.',
    ],
  },
  INVALID_ARGUMENT: {
    title: 'FCM이 메시지 내용을 거절했습니다',
    meaning: '메시지의 한 필드에 FCM이 받지 않는 값이 있습니다. 토큰의 문제는 아닙니다.',
    nextSteps: FIX_CONTENT,
  },
  UNAUTHENTICATED: {
    title: 'FCM이 자격 증명을 받아들이지 않았습니다',
    meaning: 'FCM이 액세스 토큰을 거절했습니다. Carillon이 새로 받아 온 토큰도 거절되었습니다.',
    nextSteps: CHECK_ACCOUNT,
  },
  ACCESS_TOKEN_EXPIRED: {
    title: 'FCM이 자격 증명을 받아들이지 않았습니다. 액세스 토큰이 만료되었다고 합니다',
    meaning: '새로 받은 액세스 토큰도 만료되었다고 거절되었습니다. 대개 키가 폐기되었거나 시계가 틀린 경우입니다.',
    nextSteps: ['Carillon이 실행되는 컴퓨터의 시계를 확인하십시오.', ...CHECK_ACCOUNT],
  },
  ACCESS_TOKEN_TYPE_UNSUPPORTED: {
    title: 'FCM이 자격 증명을 받아들이지 않았습니다. 지원하지 않는 종류의 액세스 토큰입니다',
    meaning: '저장된 계정에서 나오는 토큰을 FCM API가 받지 않습니다.',
    nextSteps: CHECK_ACCOUNT,
  },
  CREDENTIALS_MISSING: {
    title: 'FCM에 도착한 요청에 자격 증명이 없었습니다',
    meaning: '액세스 토큰이 빠진 채로 요청이 Google에 도착했습니다. 중간의 프록시가 헤더를 지웠을 수 있습니다.',
    nextSteps: ['FCM_BASE_URL이 authorization 헤더를 지우는 프록시를 가리키는지 확인하십시오.', ...CHECK_ACCOUNT],
  },
  THIRD_PARTY_AUTH_ERROR: {
    title: 'Firebase에 저장된 APNs 키 또는 웹 푸시 키가 작동하지 않습니다',
    meaning:
      'FCM은 iOS 메시지를 APNs로, 브라우저 메시지를 해당 푸시 서비스로 넘깁니다. 그때 쓰는 Firebase 프로젝트의 키가 없거나 만료되었거나 잘못되었습니다. Android에는 영향이 없습니다.',
    nextSteps: FIX_APNS_KEY,
  },
  APNS_AUTH_ERROR: {
    title: 'Firebase에 저장된 APNs 키가 작동하지 않습니다',
    meaning:
      'FCM은 iOS 메시지를 APNs로 넘깁니다. Firebase 프로젝트의 APNs 키나 인증서가 없거나 만료되었거나 잘못되었습니다. Android에는 영향이 없습니다.',
    nextSteps: FIX_APNS_KEY,
  },
  SENDER_ID_MISMATCH: {
    title: '기기 토큰이 다른 Firebase 프로젝트의 것입니다',
    meaning: '이 토큰을 등록한 앱은 다른 Firebase 프로젝트의 설정으로 빌드되었습니다.',
    nextSteps: [
      'FCM 자격 증명의 프로젝트 ID와 앱 빌드의 google-services.json(또는 GoogleService-Info.plist)을 비교하십시오.',
      '어느 한쪽을 바로잡은 뒤 앱이 다시 등록하면 기기가 다시 활성 상태가 됩니다.',
    ],
  },
  PERMISSION_DENIED: {
    title: 'FCM 자격 증명에 보낼 권한이 없습니다',
    meaning: '서비스 계정은 있지만 이 Firebase 프로젝트에서 메시지를 보낼 수 없습니다.',
    nextSteps: CHECK_ACCOUNT,
  },
  IAM_PERMISSION_DENIED: {
    title: 'FCM 자격 증명에 보낼 권한이 없습니다',
    meaning: '서비스 계정에 이 프로젝트의 cloudmessaging.messages.create 권한이 없습니다.',
    nextSteps: CHECK_ACCOUNT,
  },
  SERVICE_DISABLED: {
    title: '이 프로젝트에서 Firebase Cloud Messaging API가 꺼져 있습니다',
    meaning: '자격 증명의 Google Cloud 프로젝트에서 fcm.googleapis.com API를 사용 설정하지 않았습니다.',
    nextSteps: [
      'Google Cloud 콘솔의 API 및 서비스에서 이 프로젝트의 “Firebase Cloud Messaging API”를 사용 설정하십시오.',
      '그런 다음 FCM 자격 증명에서 “확인(verify)”을 실행하십시오. 대기 중인 전송은 저절로 나갑니다.',
    ],
  },
  NOT_FOUND: {
    title: 'FCM이 자격 증명의 프로젝트를 알지 못합니다',
    meaning: '프로젝트 ID를 찾을 수 없었습니다. 기기와는 관계가 없습니다.',
    nextSteps: ['저장된 서비스 계정의 project_id와 프로젝트가 삭제되지 않았는지를 확인하십시오.', ...CHECK_ACCOUNT],
  },
  '404': {
    title: 'FCM의 주소를 찾을 수 없었습니다',
    meaning: 'FCM 오류가 없는 답이 왔습니다. 프로젝트 ID나 호스트가 잘못되었습니다. 기기와는 관계가 없습니다.',
    nextSteps: ['FCM_BASE_URL을 설정했다면 그 값과, 저장된 서비스 계정의 project_id를 확인하십시오.', ...CHECK_ACCOUNT],
  },
  QUOTA_EXCEEDED: {
    title: 'FCM 할당량을 모두 썼습니다',
    meaning: 'FCM은 프로젝트 전체의 분당 메시지 수(기본 600,000건)를 제한하고, 기기마다도 따로 제한합니다.',
    nextSteps: RAISE_QUOTA,
  },
  RESOURCE_EXHAUSTED: {
    title: 'FCM 할당량을 모두 썼습니다',
    meaning: 'FCM은 분당 요청 수를 제한하며, 이 프로젝트가 그 한도에 이르렀습니다.',
    nextSteps: RAISE_QUOTA,
  },
  DeviceMessageRateExceeded: {
    title: '이 기기에 FCM이 허용하는 것보다 많은 메시지가 갔습니다',
    meaning: 'FCM은 한 기기로 가는 메시지를 제한합니다(Android에서 분당 240건, 시간당 5,000건).',
    nextSteps: ['이 기기에 보내는 메시지를 줄이거나, 이어지는 소식에 같은 collapseKey를 쓰십시오.'],
  },
  INTERNAL: {
    title: 'FCM에서 내부 오류가 났습니다',
    meaning: '원인은 FCM 쪽에 있습니다. 토큰이나 메시지의 문제가 아닙니다.',
    nextSteps: WAIT_OUT,
  },
  UNAVAILABLE: {
    title: 'FCM이 과부하이거나 일시적으로 사용할 수 없습니다',
    meaning: 'FCM이 지금은 메시지를 받을 수 없었습니다. 토큰이나 메시지의 문제가 아닙니다.',
    nextSteps: WAIT_OUT,
  },
  UNSPECIFIED_ERROR: {
    title: 'FCM이 원인을 밝히지 않고 오류를 답했습니다',
    meaning: 'FCM 스스로 더 알려 줄 정보가 없다고 합니다.',
    nextSteps: ['답의 내용을 보십시오. 반복되면 Firebase 콘솔에서 같은 앱으로 메시지를 하나 보내 비교하십시오.'],
  },
  invalid_grant: {
    title: 'Google이 서비스 계정의 키를 거절했습니다',
    meaning: `${ACCOUNT_REFUSED} 키가 삭제되었거나, 삭제된 계정의 키이거나, 시계가 틀렸습니다.`,
    nextSteps: ['Carillon이 실행되는 컴퓨터의 시계를 확인하십시오.', ...CHECK_ACCOUNT],
  },
  invalid_client: {
    title: 'Google이 이 서비스 계정을 알지 못합니다',
    meaning: `${ACCOUNT_REFUSED} 계정이 삭제되었거나 사용 중지되었습니다.`,
    nextSteps: CHECK_ACCOUNT,
  },
  unauthorized_client: {
    title: '서비스 계정이 액세스 토큰을 요청할 수 없습니다',
    meaning: ACCOUNT_REFUSED,
    nextSteps: CHECK_ACCOUNT,
  },
  invalid_scope: {
    title: '서비스 계정이 메시징 범위(scope)를 쓸 수 없습니다',
    meaning: ACCOUNT_REFUSED,
    nextSteps: CHECK_ACCOUNT,
  },
  access_denied: {
    title: 'Google이 서비스 계정에 액세스 토큰을 거부했습니다',
    meaning: ACCOUNT_REFUSED,
    nextSteps: CHECK_ACCOUNT,
  },
  token_endpoint: {
    title: 'Google의 토큰 서비스가 액세스 토큰을 주지 않았습니다',
    meaning:
      'Carillon은 보내기 전에 Google에서 액세스 토큰을 받아야 합니다. 토큰 서비스가 코드 끝에 있는 상태로 답했습니다. 메시지는 나가지 않았습니다.',
    nextSteps: [
      '5xx와 429라면 할 일이 없습니다. Carillon이 다시 시도합니다. 4xx라면 저장된 서비스 계정의 token_uri를 확인하십시오.',
      'FCM 자격 증명에서 “확인(verify)”을 실행해 Google이 지금 무엇이라고 답하는지 보십시오.',
    ],
  },
  token_endpoint_unreachable: {
    title: 'Google의 토큰 서비스에 연결할 수 없었습니다',
    meaning:
      'Carillon은 보내기 전에 Google에서 액세스 토큰을 받아야 하는데 연결되지 않았습니다. 메시지는 나가지 않았습니다.',
    nextSteps: ['워커에서 oauth2.googleapis.com의 443 포트에 연결되는지 확인하십시오(DNS, 방화벽, 프록시).'],
  },
};
