// The offer of a session in the ClientHello.

#include "tlsresume.h"

#include "mbedtls/platform_time.h"

// Mbed TLS's own, which leaves half a copy where it runs out of memory.
static int offer_set(mbedtls_ssl_context *ssl, const mbedtls_ssl_session *session) {
    int ret = mbedtls_ssl_set_session(ssl, session);
    if (ret != 0) {
        mbedtls_ssl_session_free(ssl->session_negotiate);
    }
    return ret;
}

#if TLSRESUME_TLS13

// Mbed TLS offers a session only together with its own protocol version
// (ssl_prepare_client_hello in ssl_client.c): a server that has gone back to TLS 1.2 would
// refuse the connection. So the ClientHello is written here, at once, and Mbed TLS learns of
// the ticket when it has settled the versions; it is sent when the handshake goes on.
// A session of TLS 1.2 stays with TLS 1.2: next to it TLS 1.3 would want a key share, and
// that alone costs several times what the resumption does.

typedef struct _hello_t {
    mbedtls_ssl_context *ssl;
    const mbedtls_ssl_config *conf;
    const mbedtls_ssl_session *session; // until it is set
    int ret; // of setting it
} hello_t;

// Called first for the random of the ClientHello: after the versions, before the tickets.
static int hello_rng(void *p_rng, unsigned char *buf, size_t len) {
    hello_t *hello = p_rng;
    if (hello->session != NULL) {
        hello->ret = offer_set(hello->ssl, hello->session);
        hello->session = NULL;
    }
    return hello->conf->f_rng(hello->conf->p_rng, buf, len);
}

static int hello_write(mbedtls_ssl_context *ssl, const mbedtls_ssl_session *session) {
    hello_t hello = { ssl, ssl->conf, session, 0 };
    mbedtls_ssl_config conf = *ssl->conf;
    conf.f_rng = hello_rng;
    conf.p_rng = &hello;
    conf.session_tickets = 0; // or the ticket would be in RFC 5077's extension, too
    ssl->conf = &conf;
    int ret = 0;
    while (ret == 0 && ssl->state <= MBEDTLS_SSL_CLIENT_HELLO) {
        ret = mbedtls_ssl_handshake_step(ssl);
    }
    ssl->conf = hello.conf;
    if (ret != 0) {
        mbedtls_ssl_session_reset(ssl); // a full handshake, from its beginning
        return ret;
    }
    return hello.ret;
}

#endif

static int offer(mbedtls_ssl_context *ssl, mbedtls_ssl_session *session) {
    #if TLSRESUME_TLS13
    if (session->tls_version == MBEDTLS_SSL_VERSION_TLS1_3) {
        #if TLSRESUME_HOSTNAME
        session->hostname = ssl->hostname; // lent: Mbed TLS compares them
        #endif
        int ret = hello_write(ssl, session);
        #if TLSRESUME_HOSTNAME
        session->hostname = NULL;
        #endif
        return ret;
    }
    #endif
    return offer_set(ssl, session);
}

bool session_offer(mbedtls_ssl_context *ssl, mp_obj_t packed, mp_uint_t age_ms) {
    mbedtls_ssl_session session;
    if (session_unpack(&session, packed) != 0) {
        return false;
    }
    #if TLSRESUME_TLS13 && defined(MBEDTLS_HAVE_TIME)
    // The ticket was stamped by a clock that may have been set or restarted since.
    session.ticket_reception_time = mbedtls_ms_time() - (mbedtls_ms_time_t)age_ms;
    #else
    (void)age_ms;
    #endif
    int ret = offer(ssl, &session);
    mbedtls_ssl_session_free(&session);
    return ret == 0;
}
