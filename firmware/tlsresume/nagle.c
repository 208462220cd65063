// TCP_NODELAY for the handshake alone. Mbed TLS writes the client's last flight in pieces; Nagle's
// algorithm holds up the second until the peer's delayed ACK of the first (RFC 9293 3.7.4).
//
// The application's own writes go out as they do on upstream's socket after a full handshake, whose
// first one finds nothing under way in TLS 1.2, and in TLS 1.3 the client's Finished. A resumed
// handshake of TLS 1.2 ends with the client, too: there the option stays for the first write.

#include "connection.h"

#if TLSRESUME_FILENO
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#endif

#include "py/gc.h"
#include "py/runtime.h"
#include "py/stream.h"

#define IPPROTO_TCP_NUMBER (6)

bool nagle_awaits_write(const connection_t *c, const tlsresume_socket_t *o) {
    return c->nodelay != 0 && c->resumed && o->ssl.tls_version == MBEDTLS_SSL_VERSION_TLS1_2;
}

// lwIP's socket has no connection once it was reset, and its setsockopt writes there all the same
// (extmod/modlwip.c).
static bool is_dead(mp_obj_t sock) {
    #if MICROPY_PY_LWIP
    int err;
    const mp_uint_t dead = MP_STREAM_POLL_HUP | MP_STREAM_POLL_ERR | MP_STREAM_POLL_NVAL;
    return mp_get_stream_raise(sock, MP_STREAM_OP_IOCTL)->ioctl(sock, MP_STREAM_POLL, 0, &err) & dead;
    #else
    (void)sock;
    return false;
    #endif
}

// What a socket raises is no affair of the application's.
static void set_option(mp_obj_t sock, mp_obj_t option, mp_int_t value) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        if (!is_dead(sock)) {
            mp_obj_t call[5];
            mp_load_method(sock, MP_QSTR_setsockopt, call);
            call[2] = MP_OBJ_NEW_SMALL_INT(IPPROTO_TCP_NUMBER);
            call[3] = option;
            call[4] = MP_OBJ_NEW_SMALL_INT(value);
            mp_call_method_n_kw(3, 0, call);
        }
        nlr_pop();
    }
}

void nagle_restore(connection_t *c, const tlsresume_socket_t *o) {
    mp_int_t option = c->nodelay;
    c->nodelay = 0;
    if (option != 0 && o->sock != MP_OBJ_NULL && !gc_is_locked()) {
        set_option(o->sock, MP_OBJ_NEW_SMALL_INT(option), 0);
    }
}

// setsockopt(sock, option): set a TCP option of a socket to 1, if it can be. Raises nothing.
static mp_obj_t tlsresume_setsockopt(mp_obj_t sock, mp_obj_t option) {
    set_option(sock, option, 1);
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(tlsresume_setsockopt_obj, tlsresume_setsockopt);

// nagle(socket, option): set the option of the socket below to 0 again, at the end of the handshake or
// after the first write, if the socket is adopted. Does not allocate.
static mp_obj_t tlsresume_nagle(mp_obj_t socket, mp_obj_t option) {
    connection_t *c = connection_find(MP_OBJ_TO_PTR(socket));
    if (c != NULL) {
        c->nodelay = MP_OBJ_SMALL_INT_VALUE(option);
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(tlsresume_nagle_obj, tlsresume_nagle);

#if TLSRESUME_FILENO
// nodelay(fileno) -> bool: whether TCP_NODELAY is on. Raises OSError.
static mp_obj_t tlsresume_nodelay(mp_obj_t fileno) {
    int on = 0;
    socklen_t len = sizeof(on);
    if (getsockopt(mp_obj_get_int(fileno), IPPROTO_TCP, TCP_NODELAY, &on, &len) != 0) {
        mp_raise_OSError(errno);
    }
    return mp_obj_new_bool(on);
}
MP_DEFINE_CONST_FUN_OBJ_1(tlsresume_nodelay_obj, tlsresume_nodelay);
#endif
