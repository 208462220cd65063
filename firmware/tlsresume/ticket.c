// TLS 1.3 tickets: they come after the handshake, and only a read sees them (RFC 8446 4.6.1).

#include "connection.h"

#if TLSRESUME_TLS13

#include "py/runtime.h"
#include "py/stream.h"
#include "mbedtls/platform.h"

mbedtls_ssl_recv_t *ticket_upstream_recv;

// Says "would block" instead of blocking, also where a stream's poll closes the socket.
static int recv_if_ready(void *ctx, unsigned char *buf, size_t len) {
    const mp_obj_t *sock = ctx;
    int err = 0;
    mp_uint_t ready = mp_get_stream(*sock)->ioctl(*sock, MP_STREAM_POLL, MP_STREAM_POLL_RD, &err);
    if (ready != MP_STREAM_ERROR && (ready & MP_STREAM_POLL_RD) && *sock != MP_OBJ_NULL) {
        return ticket_upstream_recv(ctx, buf, len);
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
    connection_t *c = connection_find(o);
    if (c != NULL) {
        connection_set_aside(c, o);
        c->polled = false;
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
    return true;
}

void ticket_look(tlsresume_socket_t *o) {
    if (o->ssl.in_offt != NULL) {
        return;
    }
    o->ssl.f_recv = recv_if_ready;
    size_t tickets = 8; // no server gives more at once
    int ret;
    do {
        byte none;
        ret = mbedtls_ssl_read(&o->ssl, &none, 0);
    } while (ret == MBEDTLS_ERR_SSL_WANT_READ && ticket_step(o) && --tickets > 0);
    if (ret < 0 && ret != MBEDTLS_ERR_SSL_WANT_READ && ret != MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        o->last_error = ret;
    }
}
#endif // TLSRESUME_TLS13
