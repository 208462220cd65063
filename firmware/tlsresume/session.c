// Mbed TLS's sessions: pack, unpack, offer.

#include "tlsresume.h"

#include <string.h>

#include "py/runtime.h"
#include "mbedtls/platform.h"
#include "mbedtls/platform_time.h"

// The peer's certificate, or what the configuration keeps of it (ssl.h).
#if defined(MBEDTLS_SSL_KEEP_PEER_CERTIFICATE)
#define SESSION_PEER(session) ((session)->peer_cert)
#else
#define SESSION_PEER(session) ((session)->peer_cert_digest)
#endif

// Whether a session of TLS 1.3 has the server's name in it.
#if TLSRESUME_TLS13 && defined(MBEDTLS_SSL_SERVER_NAME_INDICATION)
#define SESSION_HOSTNAME (1)
#else
#define SESSION_HOSTNAME (0)
#endif

#if defined(MBEDTLS_SSL_SESSION_TICKETS)
#define SESSION_TICKET_LEN(session) ((session)->ticket_len)
#else
#define SESSION_TICKET_LEN(session) (0)
#endif

bool session_has_peer(const mbedtls_ssl_session *session) {
    return SESSION_PEER(session) != NULL;
}

mp_obj_t session_not_after(const mbedtls_ssl_session *session) {
    #if defined(MBEDTLS_SSL_KEEP_PEER_CERTIFICATE)
    if (session->peer_cert != NULL) {
        const mbedtls_x509_time *t = &session->peer_cert->valid_to;
        return mp_obj_new_bytes((const byte *)t, sizeof(*t));
    }
    #endif
    return mp_const_none;
}

// Mbed TLS's own, of what we keep. Resumption never looks at the peer's certificate; a host name
// would be loaded without looking whether it ends, and the cache knows it; the ID next to a ticket
// is random and drawn anew at each offer (RFC 5077 3.4): it has served its time.
static size_t session_save(mbedtls_ssl_session *session, byte *buf, size_t len) {
    if (SESSION_TICKET_LEN(session) > 0) {
        session->id_len = 0;
        memset(session->id, 0, sizeof(session->id));
    }
    void *peer = SESSION_PEER(session);
    SESSION_PEER(session) = NULL;
    #if SESSION_HOSTNAME
    char *hostname = session->hostname;
    session->hostname = NULL;
    #endif
    mbedtls_ssl_session_save(session, buf, len, &len);
    #if SESSION_HOSTNAME
    session->hostname = hostname;
    #endif
    SESSION_PEER(session) = peer;
    return len;
}

size_t session_len(mbedtls_ssl_session *session) {
    if (SESSION_TICKET_LEN(session) == 0 && (session->tls_version != MBEDTLS_SSL_VERSION_TLS1_2 || session->id_len == 0)) {
        return 0;
    }
    size_t len = session_save(session, NULL, 0);
    return len <= TLSRESUME_MAX_SESSION_LEN ? len : 0;
}

static uint32_t mark(const byte *data, size_t len) {
    uint32_t hash = 2166136261u; // FNV-1a
    while (len-- > 0) {
        hash = (hash ^ *data++) * 16777619u;
    }
    return hash;
}

uint32_t session_mark(const mbedtls_ssl_session *session) {
    #if defined(MBEDTLS_SSL_SESSION_TICKETS)
    if (session->ticket_len > 0) {
        return mark(session->ticket, session->ticket_len);
    }
    #endif
    return mark(session->id, session->id_len);
}

uint32_t session_secret_mark(const mbedtls_ssl_session *session) {
    return mark(session->master, sizeof(session->master));
}

mp_obj_t session_pack(mbedtls_ssl_session *session) {
    size_t len = session_save(session, NULL, 0);
    byte *buf = m_new(byte, len);
    mp_obj_t packed = mp_obj_new_bytearray_by_ref(len, buf);
    session_save(session, buf, len); // when no allocation can leave the secret behind
    return packed;
}

int session_unpack(mbedtls_ssl_session *session, mp_obj_t packed) {
    mp_buffer_info_t bufinfo;
    mp_get_buffer_raise(packed, &bufinfo, MP_BUFFER_READ);
    mbedtls_ssl_session_init(session);
    int ret = mbedtls_ssl_session_load(session, bufinfo.buf, bufinfo.len);
    // Mbed TLS does not look at the length of the ID, nor is what session_pack leaves out there.
    if (ret == 0 && (session->id_len > sizeof(session->id) || SESSION_PEER(session) != NULL
                     #if SESSION_HOSTNAME
                     || session->hostname != NULL
                     #endif
                     #if TLSRESUME_TLS13 || MBEDTLS_VERSION_NUMBER >= 0x03060000
                     || session->endpoint != MBEDTLS_SSL_IS_CLIENT
                     #endif
                     )) {
        mbedtls_ssl_session_free(session);
        ret = MBEDTLS_ERR_SSL_BAD_INPUT_DATA;
    }
    return ret;
}

bool session_offer(mbedtls_ssl_context *ssl, mp_obj_t packed, mp_uint_t age_ms) {
    mbedtls_ssl_session session;
    if (session_unpack(&session, packed) != 0) {
        return false;
    }
    bool allowed = true;
    #if TLSRESUME_TLS13 && defined(MBEDTLS_SSL_HANDSHAKE_WITH_PSK_ENABLED)
    // An external key costs no more than a ticket, and which of them the server took is not told.
    allowed = session.tls_version != MBEDTLS_SSL_VERSION_TLS1_3 || ssl->conf->psk_identity == NULL;
    #endif
    #if TLSRESUME_TLS13 && defined(MBEDTLS_HAVE_TIME)
    // The ticket was stamped by a clock that may have been set or restarted since.
    session.ticket_reception_time = mbedtls_ms_time() - (mbedtls_ms_time_t)age_ms;
    #else
    (void)age_ms;
    #endif
    #if SESSION_HOSTNAME
    session.hostname = ssl->hostname; // lent: Mbed TLS compares them
    #endif
    bool offered = allowed && mbedtls_ssl_set_session(ssl, &session) == 0;
    #if SESSION_HOSTNAME
    session.hostname = NULL;
    #endif
    mbedtls_ssl_session_free(&session);
    if (!offered && ssl->session_negotiate != NULL) {
        mbedtls_ssl_session_free(ssl->session_negotiate); // Mbed TLS leaves half a copy
    }
    return offered;
}

void session_drop(mbedtls_ssl_session *session) {
    if (session != NULL) {
        mbedtls_ssl_session_free(session); // zeroes it
        mbedtls_free(session);
    }
}
