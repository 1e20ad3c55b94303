import type { OUTCOMES_EN, OWN_CODES_EN } from './own-codes.en.js';
import type { CodeTexts } from './texts.js';

const REACHABLE = [
  '워커에서 {provider}의 포트에 연결되는지 확인하십시오(DNS, 방화벽, 외부로 나가는 프록시).',
  'Carillon이 저절로 다시 시도합니다.',
];
const RARE = ['할 일은 없습니다. Carillon이 저절로 다시 시도합니다. 자주 일어난다면 워커의 로그를 보십시오.'];
const OVERLOADED = [
  '할 일은 없습니다. Carillon이 저절로 다시 시도합니다. 자주 일어난다면 컴퓨터나 네트워크가 이 부하에 비해 느린 것입니다.',
];
const NO_ANSWER = [
  '할 일은 없습니다. 가끔 있는 일입니다. 자주 일어난다면 워커와 {provider} 사이의 네트워크를 확인하십시오.',
];
const ADDRESS = ['{provider}에 대해 설정된 주소를 확인하십시오.'];
const REDIRECTED = {
  title: '{provider이} 요청을 다른 주소로 돌렸습니다',
  meaning:
    'Carillon은 리디렉션을 따라가지 않습니다. 프록시처럼 Carillon과 {provider} 사이에 있는 무언가가 답했을 수 있습니다.',
  nextSteps: ADDRESS,
};
const NOT_KNOWN = '메시지가 받아들여졌는지는 알 수 없습니다.';
const NOT_SENT = '메시지는 나가지 않았습니다.';

export const OWN_CODES_KO: CodeTexts<keyof typeof OWN_CODES_EN> = {
  '301': REDIRECTED,
  '302': REDIRECTED,
  '307': REDIRECTED,
  '308': REDIRECTED,
  '500': {
    title: '{provider}에서 내부 오류가 났습니다',
    meaning: '원인은 상대 쪽에 있습니다. 기기나 메시지의 문제가 아닙니다.',
    nextSteps: RARE,
  },
  '502': {
    title: '{provider} 앞의 게이트웨이에서 오류가 났습니다',
    meaning: `{provider} 대신 게이트웨이가 답했습니다. ${NOT_KNOWN}`,
    nextSteps: NO_ANSWER,
  },
  '503': {
    title: '{provider을} 일시적으로 사용할 수 없습니다',
    meaning: '{provider이} 지금은 메시지를 받을 수 없었습니다. 기기나 메시지의 문제가 아닙니다.',
    nextSteps: RARE,
  },
  '504': {
    title: '{provider} 앞의 게이트웨이가 제때 답을 받지 못했습니다',
    meaning: `{provider} 대신 게이트웨이가 답했습니다. ${NOT_KNOWN}`,
    nextSteps: NO_ANSWER,
  },
  timeout: {
    title: '{provider이} 제때 답하지 않았습니다',
    meaning: `요청은 나갔지만 답이 오지 않았습니다. ${NOT_KNOWN}`,
    nextSteps: NO_ANSWER,
  },
  reset: {
    title: '{provider이} 답하기 전에 연결이 끊어졌습니다',
    meaning: `요청은 나갔지만 연결이 초기화되었습니다. ${NOT_KNOWN}`,
    nextSteps: NO_ANSWER,
  },
  closed: {
    title: '{provider이} 답하기 전에 연결이 닫혔습니다',
    meaning: `요청은 나갔지만 연결이 닫혔습니다. ${NOT_KNOWN}`,
    nextSteps: NO_ANSWER,
  },
  timeout_before_send: {
    title: '메시지의 차례가 제때 오지 않았습니다',
    meaning: '액세스 토큰을 기다리는 등의 이유로, 보내기 전에 요청 하나에 주어진 시간이 지났습니다.',
    nextSteps: OVERLOADED,
  },
  queue_full: {
    title: '{provider로} 가는 연결을 기다리는 메시지가 너무 많았습니다',
    meaning: `모든 연결이 사용 중이었고 대기열도 가득 찼습니다. ${NOT_SENT}`,
    nextSteps: OVERLOADED,
  },
  queue_timeout: {
    title: '{provider로} 가는 연결이 제때 비지 않았습니다',
    meaning: `요청 하나에 주어진 시간 동안 모든 연결이 사용 중이었습니다. ${NOT_SENT}`,
    nextSteps: OVERLOADED,
  },
  connection_limit: {
    title: '다른 푸시 서비스로 열린 연결이 너무 많았습니다',
    meaning: `Carillon은 동시에 연결하는 푸시 서비스의 수를 제한합니다. ${NOT_SENT}`,
    nextSteps: OVERLOADED,
  },
  dns: {
    title: '{provider}의 호스트 이름을 찾을 수 없었습니다',
    meaning: `DNS에서 주소를 얻지 못했습니다. ${NOT_SENT}`,
    nextSteps: REACHABLE,
  },
  connect: {
    title: '{provider}에 연결할 수 없었습니다',
    meaning: `연결이 이루어지지 않았습니다. ${NOT_SENT}`,
    nextSteps: REACHABLE,
  },
  connect_timeout: {
    title: '{provider}에 제때 연결할 수 없었습니다',
    meaning: `연결하는 데 너무 오래 걸렸습니다. ${NOT_SENT}`,
    nextSteps: REACHABLE,
  },
  tls: {
    title: '{provider}에 안전하게 연결할 수 없었습니다',
    meaning: `TLS 연결에 실패했습니다. 인증서를 믿을 수 없거나 맞지 않습니다. ${NOT_SENT}`,
    nextSteps: ['호스트를 바꾸어 설정했다면 PROVIDER_CA_FILE을, 그리고 TLS를 여는 프록시가 있는지 확인하십시오.'],
  },
  no_h2: {
    title: '{provider}에서 HTTP/2를 쓸 수 없었습니다',
    meaning: '상대가 HTTP/2에 응하지 않았습니다. 이 공급자에는 HTTP/2가 필요합니다. 대개 중간에 프록시가 있습니다.',
    nextSteps: ['HTTP/2를 막는 프록시를 거치지 않고 워커가 공급자에 연결되게 하십시오.'],
  },
  address_refused: {
    title: '엔드포인트의 호스트가 사설 주소를 가리킵니다',
    meaning: '엔드포인트로 내부망에 들어올 수 없도록 Carillon은 공개 주소로만 연결합니다.',
    nextSteps: [
      '직접 운영하는 호스트로 보내려는 것이라면, 시험용 시스템에서만 WEBPUSH_ALLOW_INSECURE=true를 설정하십시오.',
    ],
  },
  insecure: {
    title: '주소가 https가 아닙니다',
    meaning: `Carillon은 https로만 보냅니다. ${NOT_SENT}`,
    nextSteps: ADDRESS,
  },
  invalid_origin: {
    title: '{provider}의 주소가 올바르지 않습니다',
    meaning: `설정된 주소나 엔드포인트를 쓸 수 없습니다. ${NOT_SENT}`,
    nextSteps: ADDRESS,
  },
  invalid_request: {
    title: '요청을 보낼 수 있는 형태로 만들 수 없었습니다',
    meaning: `헤더나 경로에 HTTP가 허용하지 않는 문자가 있습니다. ${NOT_SENT}`,
    nextSteps: ['overrides와 collapseKey에 특이한 문자가 있는지 확인하십시오.'],
  },
  refused_stream: {
    title: '{provider이} 요청을 받지 않았습니다',
    meaning: '상대가 요청을 처리하기 전에 거절했습니다. 메시지는 확실히 나가지 않았습니다.',
    nextSteps: RARE,
  },
  goaway: {
    title: '{provider이} 요청을 받기 전에 연결을 닫았습니다',
    meaning: '서버는 가끔 연결을 닫습니다. 메시지는 확실히 나가지 않았습니다.',
    nextSteps: RARE,
  },
  unsent: {
    title: '요청을 쓰기 전에 {provider로} 가는 연결이 끊어졌습니다',
    meaning: '한 바이트도 나가지 않았습니다. 메시지는 확실히 나가지 않았습니다.',
    nextSteps: RARE,
  },
  shutdown: {
    title: '워커가 종료되는 중이었습니다',
    meaning: '요청이 나가기 전에 워커가 종료되었습니다. 다른 워커가 이어받습니다.',
    nextSteps: [],
  },
  provider_token_timeout: {
    title: '액세스 토큰이 제때 준비되지 않았습니다',
    meaning: `{provider}에 쓸 토큰을 받는 데 너무 오래 걸렸습니다. ${NOT_SENT}`,
    nextSteps: ['자격 증명에서 “확인(verify)”을 실행하고, 워커와 Postgres 및 토큰 서비스 사이의 연결을 확인하십시오.'],
  },
  provider_token_unavailable: {
    title: '액세스 토큰을 만들 수 없었습니다',
    meaning: `{provider}에 쓸 토큰을 만들거나 읽을 수 없었습니다. ${NOT_SENT}`,
    nextSteps: ['워커의 로그와 Postgres 연결을 확인하고, 자격 증명에서 “확인(verify)”을 실행하십시오.'],
  },
  simulator_not_configured: {
    title: '자격 증명이 시뮬레이터용인데 실행 중인 시뮬레이터가 없습니다',
    meaning: '시뮬레이터용 자격 증명은 시뮬레이터와만 통신하는데, 여기에는 그 주소가 설정되어 있지 않습니다.',
    nextSteps: ['실제 자격 증명을 저장하거나, Carillon에 들어 있는 시뮬레이터를 실행하십시오.'],
  },
  no_credential: {
    title: '애플리케이션에 이 공급자의 자격 증명이 없습니다',
    meaning: '자격 증명이 없으면 그쪽으로 아무것도 보낼 수 없습니다.',
    nextSteps: ['이 공급자의 자격 증명을 저장하십시오. 대기 중인 전송은 저절로 나갑니다.'],
  },
};

const UNKNOWN_CODE = ['{provider} 문서에서 이 코드를 찾아보십시오. 시도에 답의 내용도 적혀 있습니다.'];

export const OUTCOMES_KO: CodeTexts<keyof typeof OUTCOMES_EN> = {
  accepted: {
    title: '{provider이} 메시지를 받았습니다',
    meaning: '{provider이} 메시지를 넘겨받았습니다. 기기에 언제 표시되는지는 기기만 알려 줄 수 있습니다.',
    nextSteps: [],
  },
  not_processed: {
    title: '요청이 {provider}에 닿지 않았습니다({code})',
    meaning: '메시지는 확실히 나가지 않았습니다.',
    nextSteps: RARE,
  },
  unavailable: {
    title: '{provider이} 메시지를 받을 수 없었습니다({code})',
    meaning: '{provider이} 자체 오류로 답했습니다. 기기나 메시지의 문제가 아닙니다.',
    nextSteps: RARE,
  },
  ambiguous: {
    title: '{provider}의 답이 분명하지 않습니다({code})',
    meaning: NOT_KNOWN,
    nextSteps: NO_ANSWER,
  },
  throttled: {
    title: '{provider이} 전송 속도를 제한합니다({code})',
    meaning: '짧은 시간에 애플리케이션 전체 또는 이 기기로 메시지가 너무 많이 나갔습니다.',
    nextSteps: ['이 전송에 대해 할 일은 없습니다. 자주 일어난다면 메시지를 더 긴 시간에 나누십시오.'],
  },
  token_invalid: {
    title: '기기 토큰이 만료되었습니다({code})',
    meaning: '{provider이} 이 기기를 더 이상 알지 못합니다.',
    nextSteps: ['서버에서 할 일은 없습니다. 앱이 다음에 열릴 때 다시 등록합니다.'],
  },
  token_refused: {
    title: '기기 토큰이 이 자격 증명과 맞지 않습니다({code})',
    meaning: '다른 프로젝트, 환경, 앱 또는 키에서는 유효한 토큰일 수 있습니다.',
    nextSteps: ['자격 증명과 이 기기를 등록한 앱의 빌드를 비교하십시오.'],
  },
  message_invalid: {
    title: '{provider이} 메시지를 거절했습니다({code})',
    meaning: '{provider이} 요청의 내용이나 헤더를 받지 않았습니다. 기기의 문제는 아닙니다.',
    nextSteps: UNKNOWN_CODE,
  },
  credential_invalid: {
    title: '{provider이} 자격 증명을 받아들이지 않았습니다({code})',
    meaning: '애플리케이션의 자격 증명이 거절되었습니다. 기기의 문제는 아닙니다.',
    nextSteps: ['자격 증명에서 “확인(verify)”을 실행하고 고치거나 교체하십시오. 대기 중인 전송은 저절로 나갑니다.'],
  },
  gated: {
    title: '푸시 서비스가 지금은 닫혀 있어 호출하지 않았습니다',
    meaning: '최근 답들 때문에 이 푸시 서비스로 보내기를 멈춘 상태입니다.',
    nextSteps: [],
  },
};
