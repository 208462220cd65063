// Mbed TLS's sessions: pack and unpack.

#include "tlsresume.h"

#include <string.h>

#include "py/runtime.h"
#include "mbedtls/platform.h"

bool session_resumable(const mbedtls_ssl_session *session) {
    #if defined(MBEDTLS_SSL_SESSION_TICKETS)
    if (session->ticket_len > 0) {
        return true;
    }
    #endif
    return session->tls_version == MBEDTLS_SSL_VERSION_TLS1_2 && session->id_len > 0;
}

uint32_t session_mark(const mbedtls_ssl_session *session) {
    const byte *data = session->id;
    size_t len = session->id_len;
    #if defined(MBEDTLS_SSL_SESSION_TICKETS)
    if (session->ticket_len > 0) {
        data = session->ticket;
        len = session->ticket_len;
    }
    #endif
    uint32_t mark = 2166136261u; // FNV-1a
    while (len-- > 0) {
        mark = (mark ^ *data++) * 16777619u;
    }
    return mark;
}

bool session_resumed(mbedtls_ssl_session *session, uint32_t offered_mark) {
    bool resumed = SESSION_PEER(session) == NULL;
    #if defined(MBEDTLS_SSL_SESSION_TICKETS)
    if (!resumed && session_mark(session) == offered_mark) {
        session->ticket_len = 0;
        session->ticket_lifetime = 0;
    }
    #endif
    return resumed;
}

mp_obj_t session_lifetime(const mbedtls_ssl_session *session) {
    #if TLSRESUME_TLS13
    if (session->tls_version == MBEDTLS_SSL_VERSION_TLS1_3) {
        return mp_const_none;
    }
    #endif
    #if defined(MBEDTLS_SSL_SESSION_TICKETS)
    return mp_obj_new_int_from_uint(session->ticket_lifetime);
    #else
    return MP_OBJ_NEW_SMALL_INT(0);
    #endif
}

static void session_save(mbedtls_ssl_session *session, byte *buf, size_t *len) {
    #if defined(MBEDTLS_SSL_SESSION_TICKETS)
    // The ID next to a ticket is random and drawn anew at each offer (RFC 5077 3.4): without
    // it an unchanged ticket packs to the same bytes. It has served its time.
    if (session->ticket_len > 0) {
        session->id_len = 0;
        memset(session->id, 0, sizeof(session->id));
    }
    #endif
    #if TLSRESUME_HOSTNAME
    // Mbed TLS loads a host name without looking whether it ends.
    mbedtls_free(session->hostname);
    session->hostname = NULL;
    #endif
    // Resumption never looks at the peer's certificate.
    void *peer = SESSION_PEER(session);
    SESSION_PEER(session) = NULL;
    mbedtls_ssl_session_save(session, buf, *len, len);
    SESSION_PEER(session) = peer;
}

mp_obj_t session_pack(mbedtls_ssl_session *session) {
    size_t len = 0;
    session_save(session, NULL, &len);
    byte *buf = m_new(byte, len);
    mp_obj_t packed = mp_obj_new_bytearray_by_ref(len, buf);
    session_save(session, buf, &len); // when no allocation can leave the secret behind
    return packed;
}

int session_unpack(mbedtls_ssl_session *session, mp_obj_t packed) {
    mp_buffer_info_t bufinfo;
    mp_get_buffer_raise(packed, &bufinfo, MP_BUFFER_READ);
    mbedtls_ssl_session_init(session);
    int ret = mbedtls_ssl_session_load(session, bufinfo.buf, bufinfo.len);
    // Mbed TLS does not look at the length of the ID. What session_pack leaves out is not there:
    // without a peer, a resumption is told from a full handshake.
    if (ret == 0 && (session->id_len > sizeof(session->id) || SESSION_PEER(session) != NULL
                     #if TLSRESUME_HOSTNAME
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
