import type { ActionName, SituationName, SituationText } from './texts.js';

const CONFIRM = [
  '더 알고 싶다면, 앱이 알림을 받고 표시할 때 수신 확인(POST /v1/receipts)을 보내게 하십시오.',
  '기기에서 앱의 알림이 허용되어 있는지, 집중 모드나 절전 기능이 알림을 막지 않는지 확인하십시오.',
];
const SEND_AGAIN = ['아직 필요하다면 이 기기에 알림을 다시 보내십시오.'];
const WHO_CANCELLED = '감사 로그와 알림의 타임라인에서 언제 누가 취소했는지 볼 수 있습니다.';
const NOTHING: readonly string[] = [];
const RECEIVED = '더 할 일이 없습니다. 전송이 끝났습니다.';
const AT_MOST_ONCE = '한 번만 보내도록 요청된 알림(at_most_once)이므로 Carillon은 반복하지 않았습니다.';
const MAYBE_AGAIN =
  '중복되어도 괜찮다면 다시 보내십시오. 그런 알림에는 기본 방식(at_least_once)을 쓰는 것도 방법입니다.';

export const SITUATIONS_KO: Readonly<Record<SituationName, SituationText>> = {
  accepted: {
    title: '{provider이} 메시지를 받았지만 기기의 수신 확인이 없습니다',
    meaning:
      '{provider이} 메시지를 넘겨받았습니다. 기기가 받아서 표시했는지는 알 수 없습니다. 기기가 꺼져 있거나 오프라인이거나, 알림이 허용되지 않았거나, 앱이 수신 확인을 보내지 않는 것일 수 있습니다.',
    action: 'Carillon은 메시지를 넘겼고 더 시도하지 않습니다.',
    nextSteps: CONFIRM,
  },
  delivered: {
    title: '도착함: 기기가 메시지를 받았습니다',
    meaning: '앱이 메시지가 도착했다고 알려 왔습니다. 표시되었다는 확인은 없습니다.',
    action: RECEIVED,
    nextSteps: ['사용자가 보지 못했다면 이 기기에서 앱의 알림이 허용되어 있는지 확인하십시오.'],
  },
  displayed: {
    title: '표시됨: 기기가 알림을 표시했습니다',
    meaning: '앱이 알림을 표시했다고 알려 왔습니다.',
    action: RECEIVED,
    nextSteps: NOTHING,
  },
  opened: {
    title: '열림: 사용자가 알림을 열었습니다',
    meaning: '앱이 알림이 열렸다고 알려 왔습니다.',
    action: RECEIVED,
    nextSteps: NOTHING,
  },
  dismissed: {
    title: '닫힘: 알림이 표시되었고 사용자가 닫았습니다',
    meaning: '앱이 사용자가 알림을 닫았다고 알려 왔습니다.',
    action: RECEIVED,
    nextSteps: NOTHING,
  },
  refused_before: {
    title: '보내지 않음: {provider이} 같은 내용을 다른 기기에서 거절했습니다: {reason}',
    meaning: '{meaning}',
    action:
      '한 번도 받아들여지지 않고 같은 거절이 100번 이어져, Carillon이 {provider로} 갈 나머지를 보내지 않고 끝냈습니다. 반복하면 할당량만 쓰게 됩니다.',
    nextSteps: NOTHING,
  },
  expired_unsent: {
    title: '만료됨: 보내기 전에 유효 시간(TTL)이 지났습니다',
    meaning:
      '제때 시도가 이루어지지 않았습니다. 대기열에 있었거나, 게이트가 닫혀 있었거나, 알림이 일시 중지되어 있었습니다.',
    action: '유효 시간이 지난 알림은 더 이상 필요하지 않으므로 Carillon이 전송을 만료로 끝냈습니다.',
    nextSteps: [
      '알림의 타임라인을 보십시오. 일시 중지되었거나 게이트가 닫혀 있었는지 알 수 있습니다.',
      '자주 일어난다면 ttlSeconds를 늘리거나 더 빠른 레인을 쓰십시오.',
      ...SEND_AGAIN,
    ],
  },
  expired_after_attempts: {
    title: '만료됨: 다음 시도 전에 유효 시간(TTL)이 지났습니다. 마지막 시도: {reason}',
    meaning: '{meaning}',
    action: '다음 시도가 유효 시간보다 늦어지므로 Carillon이 전송을 만료로 끝냈습니다.',
    nextSteps: ['자주 일어난다면 ttlSeconds를 늘리십시오.', ...SEND_AGAIN],
  },
  cancelled: {
    title: '보내기 전에 취소되었습니다',
    meaning: '이 전송의 차례가 오기 전에 누군가가, 또는 백엔드가 알림을 취소했습니다.',
    action: 'Carillon은 이 기기에 아무것도 보내지 않았습니다.',
    nextSteps: [WHO_CANCELLED, ...SEND_AGAIN],
  },
  cancelled_after_attempts: {
    title: '다음 시도를 기다리던 중에 취소되었습니다',
    meaning: '앞선 시도가 성공하지 못한 상태에서 알림이 취소되었습니다. 마지막 시도: {reason}.',
    action: 'Carillon은 더 시도하지 않았습니다.',
    nextSteps: [WHO_CANCELLED, ...SEND_AGAIN],
  },
  device_deleted: {
    title: '보내지 않음: 차례가 오기 전에 기기가 삭제되었습니다',
    meaning: '알림의 대상이 정해진 뒤에 기기가 삭제되었습니다.',
    action: '주소가 더 이상 없으므로 Carillon이 이 기기를 제외했습니다.',
    nextSteps: NOTHING,
  },
  device_inactive: {
    title: '보내지 않음: 기기의 토큰이 이미 만료되었거나 거절된 상태였습니다',
    meaning: '대상을 정한 뒤 보내기 전에, 다른 알림에 대한 답에서 이 토큰이 작동하지 않는다는 것이 드러났습니다.',
    action: '메시지가 도착할 수 없으므로 Carillon이 이 기기를 제외했습니다.',
    nextSteps: [
      '기기의 status와 invalidReason에서 공급자가 무엇이라고 답했는지 보십시오.',
      '앱이 다시 등록하면 기기가 다시 활성 상태가 됩니다.',
    ],
  },
  user_changed: {
    title: '보내지 않음: 기기의 사용자가 바뀌었습니다',
    meaning:
      '특정 사용자에게 보내는 알림이었는데, 차례가 오기 전에 기기가 다른 사용자에게 넘어갔거나 로그아웃되었습니다.',
    action: '다른 사람의 메시지를 읽는 일이 없도록 Carillon이 이 기기를 제외했습니다.',
    nextSteps: NOTHING,
  },
  acknowledged_live: {
    title: '푸시하지 않음: 사용자가 열린 화면에서 이미 보았습니다',
    meaning: '알림이 먼저 열린 화면으로 갔고, 그중 하나가 제때 확인했습니다.',
    action: '같은 내용을 두 번 알리지 않도록 Carillon이 푸시를 생략했습니다.',
    nextSteps: NOTHING,
  },
  poison: {
    title: '실패: 이 전송을 보내는 동안 워커가 거듭 종료되었습니다',
    meaning: '이 전송을 처리하던 순간에 워커 프로세스가 여러 번 종료되었습니다. 이 전송의 무언가가 원인일 수 있습니다.',
    action: '다른 전송을 막지 않도록 Carillon이 이 전송을 따로 떼어 놓았습니다.',
    nextSteps: ['그 시각의 워커 로그와 메모리 한도를 확인하십시오.', ...SEND_AGAIN],
  },
  worker_lost: {
    title: '알 수 없음: 보내는 도중에 워커가 사라졌습니다',
    meaning: '요청과 답 사이에 워커 프로세스가 종료되었습니다. 메시지가 나갔을 수도, 나가지 않았을 수도 있습니다.',
    action: AT_MOST_ONCE,
    nextSteps: [MAYBE_AGAIN],
  },
  unclear: {
    title: '알 수 없음: {reason}',
    meaning: '{meaning}',
    action: AT_MOST_ONCE,
    nextSteps: [MAYBE_AGAIN],
  },
  queued: {
    title: '아직 대기열에 있습니다. 시도한 적이 없습니다',
    meaning: '전송이 계획되었고, 같은 레인의 앞선 전송 뒤에서 차례를 기다립니다.',
    action: '워커가 비는 대로 Carillon이 보냅니다.',
    nextSteps: [
      '몇 초 넘게 머물러 있으면 GET /v1/system에서 워커가 실행 중인지, 레인이 얼마나 밀려 있는지 확인하십시오.',
      '급한 알림에는 critical 레인을 쓸 수 있습니다.',
    ],
  },
  sending: {
    title: '지금 보내는 중입니다',
    meaning: '워커가 이 전송을 처리하고 있습니다.',
    action: 'Carillon이 보내고 있거나 {provider}의 답을 기다리고 있습니다.',
    nextSteps: NOTHING,
  },
  live_wait: {
    title: '열린 화면에서 먼저 확인하는지 기다리고 있습니다',
    meaning: '알림이 먼저 열린 화면으로 갑니다. 아무도 확인하지 않을 때만 푸시가 나갑니다.',
    action: '{until}까지 확인이 없으면 Carillon이 푸시를 보냅니다.',
    nextSteps: NOTHING,
  },
  paused: {
    title: '보류됨: 알림이 일시 중지되었습니다',
    meaning: '누군가가, 또는 백엔드가 알림을 일시 중지했습니다. 유효 시간은 {expiresAt}까지 계속 흐릅니다.',
    action: '재개될 때까지 Carillon은 이 알림을 보내지 않습니다.',
    nextSteps: ['알림을 재개하거나, 더 이상 필요하지 않으면 취소하십시오.'],
  },
  scheduled: {
    title: '예약됨: {sendAt}에 나갑니다',
    meaning: '나중에 보내도록 접수된 알림입니다. 누가 받을지는 그때 정해집니다.',
    action: 'Carillon이 그 시각을 기다립니다.',
    nextSteps: ['더 일찍 보내려면 알림을 취소하고 sendAt 없이 다시 보내십시오.'],
  },
  planning: {
    title: '아직 계획 중입니다. 대상 가운데 이 기기의 차례가 오지 않았습니다',
    meaning: 'Carillon이 큰 알림의 대상을 차례로 살피고 있으며 아직 이 기기에 이르지 않았습니다.',
    action: 'Carillon은 나누어 계획하고 보냅니다. 이 기기도 곧 이어집니다.',
    nextSteps: ['몇 분 넘게 걸리면 GET /v1/system에서 워커가 실행 중인지 확인하십시오.'],
  },
  retry: {
    title: '다음 시도를 기다리는 중: {reason}',
    meaning: '{meaning}',
    action: 'Carillon이 {until}에 다시 시도하며, 유효 시간이 끝나는 {expiresAt}까지 계속합니다.',
    nextSteps: NOTHING,
  },
  resuming: {
    title: '다음 시도를 기다리는 중: 거절되었던 {provider} 자격 증명이 다시 작동하거나 교체되었습니다',
    meaning: '{meaning}',
    action: 'Carillon이 몇 초 안에 다시 보냅니다.',
    nextSteps: NOTHING,
  },
  quota: {
    title: '{until}까지 보류됨: {provider이} 전송 속도를 제한합니다({code})',
    meaning:
      '{provider이} 429로 답했습니다. 애플리케이션 전체의 할당량을 다 썼습니다. 시도했는지와 관계없이 그쪽으로 가는 모든 전송에 게이트가 닫혀 있습니다.',
    action: 'Carillon은 {provider이} 요청한 만큼 기다렸다가 저절로 계속합니다. 유효 시간은 {expiresAt}에 끝납니다.',
    nextSteps: [
      '이 전송에 대해 할 일은 없습니다.',
      '자주 일어난다면 대량 발송을 더 긴 시간에 나누거나 공급자에 할당량 상향을 요청하십시오.',
    ],
  },
  outage: {
    title: '보류됨: {provider}에 장애가 있어 복구를 기다립니다({code})',
    meaning: '최근 요청의 절반 이상이 실패하여 그쪽으로 가는 모든 전송에 게이트가 닫혔습니다.',
    action: 'Carillon이 {until}에 몇 건을 시험 삼아 보내고, 성공하면 계속합니다. 유효 시간은 {expiresAt}에 끝납니다.',
    nextSteps: ['공급자의 상태 페이지를 확인하십시오. Carillon에서 할 일은 없습니다.'],
  },
  probing: {
    title: '잠시 보류됨: {provider이} 다시 작동하는지 시험하고 있습니다({code})',
    meaning: '게이트가 반쯤 열려 있습니다. 몇 건을 시험 삼아 보내고 나머지는 그 결과를 기다립니다.',
    action: '시험이 성공하면 몇 초 안에 계속하고, 실패하면 더 기다립니다.',
    nextSteps: NOTHING,
  },
  credential: {
    title: '보류됨: {provider} 자격 증명이 작동하지 않습니다: {reason}',
    meaning: '{meaning}',
    action:
      'Carillon이 이 애플리케이션에서 {provider로} 가는 게이트를 닫고, 전송을 {expiresAt}까지 보관하며, 약 5분마다 한 건을 시험 삼아 보냅니다.',
    nextSteps: NOTHING,
  },
  no_credential: {
    title: '보류됨: 애플리케이션에 {provider} 자격 증명이 없습니다',
    meaning: '기기는 {provider로} 받도록 등록되어 있는데 저장된 자격 증명이 없습니다.',
    action: 'Carillon이 전송을 {expiresAt}까지 보관하고, 자격 증명이 저장되면 바로 보냅니다.',
    nextSteps: ['애플리케이션의 자격 증명에서 이 공급자의 자격 증명을 저장하십시오.'],
  },
  gated: {
    title: '보류됨: 이 브라우저의 푸시 서비스가 지금은 닫혀 있습니다({code})',
    meaning: '이 푸시 서비스로 보낸 최근 요청이 실패하여 게이트가 닫혔습니다. 다른 푸시 서비스에는 영향이 없습니다.',
    action: 'Carillon이 {until}에 다시 시도합니다. 유효 시간은 {expiresAt}에 끝납니다.',
    nextSteps: ['이 전송에 대해 할 일은 없습니다.'],
  },
  log_gone: {
    title: '끝난 전송이며 로그가 더 이상 보관되지 않습니다',
    meaning: '이 전송은 결과만 알 수 있습니다. 로그 항목은 보관 기간이 지나면 삭제됩니다.',
    action: '설정된 보관 기간이 지나 Carillon이 자세한 내용을 삭제했습니다.',
    nextSteps: NOTHING,
  },
  device_active: {
    title: '활성: 이 기기로 알림을 보냅니다',
    meaning: '{provider이} 알려 준 바로는 이 기기의 토큰이 작동합니다.',
    action: '대상에 포함될 때마다 Carillon이 이 기기로 보냅니다.',
    nextSteps: NOTHING,
  },
  device_invalid: {
    title: '{until}부터 제외됨: {reason}',
    meaning: '{meaning}',
    action: '앱이 다시 등록할 때까지 Carillon은 이 기기에 보낼 알림을 계획하지 않습니다.',
    nextSteps: NOTHING,
  },
  device_refused: {
    title: '{until}부터 따로 떼어 놓음: {reason}',
    meaning: '{meaning}',
    action:
      '기기가 다시 등록하거나 거절이 자격 증명의 탓으로 밝혀질 때까지 Carillon은 이 기기에 보낼 알림을 계획하지 않습니다.',
    nextSteps: NOTHING,
  },
};

export const ACTIONS_KO: Readonly<Record<ActionName, string>> = {
  accepted: 'Carillon은 메시지를 넘겼고 더 시도하지 않습니다.',
  retry_not_processed: '메시지가 확실히 나가지 않았으므로 Carillon이 {until}에 다시 시도합니다.',
  retry_unavailable:
    'Carillon이 {until}에 다시 시도합니다. {provider이} 요구하는 간격보다 빠르지 않게, 점점 더 길게 기다립니다.',
  retry_ambiguous:
    'Carillon이 {until}에 다시 시도합니다. 첫 메시지가 이미 도착했더라도 collapse key 덕분에 기기에서 새것으로 바뀝니다.',
  retry_throttled:
    '{provider이} 요청하거나 문서에 밝힌 대로 Carillon이 {until}까지 기다립니다. 할당량을 기다리는 것은 실패로 치지 않습니다.',
  ended_expired: '다음 시도가 유효 시간보다 늦어지므로 Carillon이 전송을 만료로 끝냈습니다.',
  ended_unknown:
    '한 번만 보내도록 요청된 알림(at_most_once)이므로 Carillon은 반복하지 않고 결과를 알 수 없음으로 남겼습니다.',
  token_invalid:
    'Carillon은 반복하지 않고 전송을 끝냈으며, 그사이 다시 등록하지 않은 한 이 기기를 이후의 대상에서 제외했습니다.',
  token_refused:
    'Carillon은 반복하지 않고 전송을 끝냈으며, 다시 등록할 때까지 이 기기를 따로 떼어 놓았습니다. 한꺼번에 많은 토큰이 거절되면 Carillon은 자격 증명을 의심하고 기기들을 그대로 둡니다.',
  message_invalid:
    '같은 내용은 다시 거절될 것이므로 Carillon은 반복하지 않고 전송을 끝냈습니다. 기기는 활성 상태로 남습니다.',
  credential_invalid:
    'Carillon이 자격 증명을 고장으로 표시하고 이 애플리케이션에서 {provider로} 가는 게이트를 닫았습니다. 전송은 실패로 끝내지 않고 보관합니다.',
  gated: 'Carillon은 푸시 서비스를 호출하지 않고 전송을 {until}로 미루었습니다.',
};
