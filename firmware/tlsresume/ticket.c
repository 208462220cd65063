// TLS 1.3 tickets: they come after the handshake, and only a read sees them (RFC 8446 4.6.1).

#include "connection.h"

#if TLSRESUME_TLS13

#include "py/runtime.h"
#include "py/stream.h"
#include "mbedtls/platform.h"
#include "mbedtls/version.h"
#include "psa/crypto.h"

static mbedtls_ssl_recv_t *upstream_recv;

// Says "would block" instead of blocking, also where a stream's poll closes the socket.
static int recv_if_ready(void *ctx, unsigned char *buf, size_t len) {
    const mp_obj_t *sock = ctx;
    int err = 0;
    mp_uint_t ready = mp_get_stream(*sock)->ioctl(*sock, MP_STREAM_POLL, MP_STREAM_POLL_RD, &err);
    if (ready != MP_STREAM_ERROR && (ready & MP_STREAM_POLL_RD) && *sock != MP_OBJ_NULL) {
        return upstream_recv(ctx, buf, len);
    }
    return MBEDTLS_ERR_SSL_WANT_READ;
}

// Mbed TLS's own (ssl_misc.h). Unlike mbedtls_ssl_handshake() it does not first send the rest of
// a record, which the application is going to write again, nor an alert.
int mbedtls_ssl_tls13_handshake_client_step(mbedtls_ssl_context *ssl);

bool ticket_step(tlsresume_socket_t *o) {
    if (o->ssl.state != MBEDTLS_SSL_TLS1_3_NEW_SESSION_TICKET) {
        return false;
    }
    // Not within a read: what is wrong with a ticket would end the connection, and upstream ignores
    // them all.
    mbedtls_ssl_session *session = o->ssl.session;
    int ret = mbedtls_ssl_tls13_handshake_client_step(&o->ssl);
    o->ssl.state = MBEDTLS_SSL_HANDSHAKE_OVER;
    if (ret != MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET || session_len(session) == 0) {
        // Half of it may be there, or a ticket that is too large to wait for its connection's end.
        mbedtls_free(session->ticket);
        session->ticket = NULL;
        session->ticket_len = 0;
    }
    connection_t *c = connection_find(o);
    if (c != NULL) {
        c->polled = false;
    }
    return true;
}

bool ticket_look(tlsresume_socket_t *o) {
    if (o->ssl.in_offt != NULL) {
        return false;
    }
    o->ssl.f_recv = recv_if_ready;
    size_t tickets = 8; // no server gives more at once
    int ret;
    do {
        byte none;
        ret = mbedtls_ssl_read(&o->ssl, &none, 0);
    } while (ret == MBEDTLS_ERR_SSL_WANT_READ && ticket_step(o) && --tickets > 0);
    return ret <= -256 && ret != MBEDTLS_ERR_SSL_WANT_READ && ret != MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY
           && ret != MBEDTLS_ERR_SSL_CONN_EOF;
}

// Whether a list of cipher suites, 0 at its end, has one of TLS 1.3 (RFC 8446 B.4).
static bool has_tls13_suite(const int *suite) {
    while (*suite != 0 && (*suite & 0xff00) != 0x1300) {
        ++suite;
    }
    return *suite != 0;
}

void ticket_configure(mbedtls_ssl_context *ssl) {
    mbedtls_ssl_config *conf = (mbedtls_ssl_config *)ssl->conf;
    upstream_recv = ssl->f_recv;
    psa_crypto_init(); // upstream does so since 1.25 only; idempotent
    // Without a suite of TLS 1.3 an offer of it is a promise that cannot be kept.
    bool tls13 = has_tls13_suite(conf->ciphersuite_list);
    mbedtls_ssl_conf_max_tls_version(conf, tls13 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2);
    // Mbed TLS's default has psk_ke: resumption without forward secrecy. An application's own
    // pre-shared key may need it.
    #if defined(MBEDTLS_SSL_HANDSHAKE_WITH_PSK_ENABLED)
    if (conf->psk_identity == NULL)
    #endif
    {
        mbedtls_ssl_conf_tls13_key_exchange_modes(conf, MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ALL);
    }
    #if MBEDTLS_VERSION_NUMBER < 0x03060700
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
    mbedtls_ssl_conf_sig_algs(conf, sig_algs);
    #endif
    #if MBEDTLS_VERSION_NUMBER >= 0x03060100 && MBEDTLS_VERSION_NUMBER < 0x04000000
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(conf, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    #endif
}
#endif // TLSRESUME_TLS13
