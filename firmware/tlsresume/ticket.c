// TLS 1.3 tickets: they come after the handshake, and only a read sees them (RFC 8446 4.6.1).

#include "connection.h"

#if TLSRESUME_TLS13

#include <string.h>

#include "py/mphal.h"
#include "py/objarray.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "mbedtls/version.h"
#include "psa/crypto.h"

mp_obj_t ticket_take(connection_t *c) {
    mp_obj_t oldest = c->tickets[0];
    memmove(c->tickets, c->tickets + 1, --c->n_tickets * sizeof(mp_obj_t));
    c->tickets[c->n_tickets] = MP_OBJ_NULL;
    return oldest;
}

// The connection, if a ticket is to be collected.
static connection_t *ticket_fresh(const tlsresume_socket_t *o) {
    connection_t *c = connection_find(o);
    return c != NULL && connection_has_fresh(c, o->ssl.session) ? c : NULL;
}

// Pack a ticket that has just been processed: the next one overwrites it. Without memory, or
// too large to be cached, it is lost, and nothing else.
static void ticket_collect(tlsresume_socket_t *o, connection_t *c) {
    mbedtls_ssl_session *session = o->ssl.session;
    session->exported = 1;
    nlr_buf_t nlr;
    if (session->ticket_len > TLSRESUME_MAX_TICKET_LEN || nlr_push(&nlr) != 0) {
        return;
    }
    mp_obj_t packed = session_pack(session);
    nlr_pop();
    if (c->n_tickets == TLSRESUME_MAX_TICKETS) {
        mp_obj_array_t *oldest = MP_OBJ_TO_PTR(ticket_take(c));
        memset(oldest->items, 0, oldest->len);
    }
    if (c->n_tickets == 0) { // those that wait are as old as the oldest
        c->made_ms = mp_hal_ticks_ms();
    }
    c->tickets[c->n_tickets++] = packed;
}

static mbedtls_ssl_recv_t *upstream_recv;

// Says "would block" instead of blocking, also where a stream's poll closes the socket.
static int recv_if_ready(void *ctx, unsigned char *buf, size_t len) {
    const mp_obj_t *sock = ctx;
    if (stream_ready(*sock, MP_STREAM_POLL_RD) && *sock != MP_OBJ_NULL) {
        return upstream_recv(ctx, buf, len);
    }
    return MBEDTLS_ERR_SSL_WANT_READ;
}

// Mbed TLS's own (ssl_misc.h). Unlike mbedtls_ssl_handshake() it does not first send the rest of
// a record, which the application is going to write again, nor an alert.
int mbedtls_ssl_tls13_handshake_client_step(mbedtls_ssl_context *ssl);

bool ticket_step(tlsresume_socket_t *o) {
    bool arrived = o->ssl.state == MBEDTLS_SSL_TLS1_3_NEW_SESSION_TICKET;
    if (arrived) {
        // Not within a read: what is wrong with a ticket would end the connection, and upstream
        // ignores them all.
        if (mbedtls_ssl_tls13_handshake_client_step(&o->ssl) != MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
            o->ssl.session->ticket_len = 0; // half of it may be there
        }
        o->ssl.state = MBEDTLS_SSL_HANDSHAKE_OVER;
    }
    connection_t *fresh = ticket_fresh(o);
    if (fresh != NULL) {
        ticket_collect(o, fresh);
    }
    return arrived || fresh != NULL;
}

int ticket_look(tlsresume_socket_t *o) {
    if (o->ssl.in_offt != NULL || o->ssl.f_recv == NULL) {
        return 0;
    }
    o->ssl.f_recv = recv_if_ready;
    size_t budget = 4 * TLSRESUME_MAX_TICKETS; // two returns a ticket
    int ret;
    do {
        byte none;
        ret = mbedtls_ssl_read(&o->ssl, &none, 0);
        if (ret != MBEDTLS_ERR_SSL_WANT_READ && ret != MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
            return MIN(ret, 0);
        }
    } while (ticket_step(o) && --budget > 0);
    return 0;
}

void ticket_configure(mbedtls_ssl_context *ssl) {
    // Mbed TLS prefers PSS, and then refuses it from a TLS 1.2 server that obliges.
    static const uint16_t sig_algs[] = {
        MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
        MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
        MBEDTLS_TLS1_3_SIG_ECDSA_SECP521R1_SHA512,
        MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
        MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,
        MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
        MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,
        MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
        MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512,
        MBEDTLS_TLS1_3_SIG_NONE,
    };
    mbedtls_ssl_config *conf = (mbedtls_ssl_config *)ssl->conf;
    if (conf->sig_algs == sig_algs) {
        return;
    }
    upstream_recv = ssl->f_recv;
    psa_crypto_init(); // upstream does so since 1.25 only; idempotent
    mbedtls_ssl_conf_sig_algs(conf, sig_algs);
    #if MBEDTLS_VERSION_NUMBER >= 0x03060100
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(conf, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    #endif
}
#endif // TLSRESUME_TLS13
