// What the files of the _tlsresume module share.
#ifndef MICROPY_INCLUDED_TLSRESUME_H
#define MICROPY_INCLUDED_TLSRESUME_H

// The session's fields have no accessors in Mbed TLS 3.
#ifndef MBEDTLS_ALLOW_PRIVATE_ACCESS
#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#endif

#include "py/obj.h"
#include "mbedtls/ssl.h"

#if MBEDTLS_VERSION_NUMBER < 0x03020000
#error "tlsresume needs Mbed TLS 3.2"
#endif

#if defined(MBEDTLS_SSL_PROTO_TLS1_3) && defined(MBEDTLS_SSL_SESSION_TICKETS)
#if MBEDTLS_VERSION_NUMBER < 0x03060000
#error "TLS 1.3 sessions need Mbed TLS 3.6, which ESP-IDF has since 5.3"
#endif
#define TLSRESUME_TLS13 (1)
#else
#define TLSRESUME_TLS13 (0)
#endif

// The longest packed session in bytes; lib/tlsresume/entry.py keeps no longer one.
#define TLSRESUME_MAX_SESSION_LEN (2048)

// Whether sockets have file numbers that the C library takes; bare lwIP's have none.
#if defined(__unix__) || defined(__APPLE__) || defined(ESP_PLATFORM)
#define TLSRESUME_FILENO (1)
#else
#define TLSRESUME_FILENO (0)
#endif

// The board as a server gives session tickets, and takes them back.
#ifndef TLSRESUME_SERVER
#define TLSRESUME_SERVER (1)
#endif
// Of Mbed TLS 4 its handshake is out of sight.
#if !defined(MBEDTLS_SSL_SRV_C) || !defined(MBEDTLS_SSL_SESSION_TICKETS) || MBEDTLS_VERSION_NUMBER >= 0x04000000
#undef TLSRESUME_SERVER
#define TLSRESUME_SERVER (0)
#endif

// Sessions of closed connections that wait to be taken, at most; the oldest go.
#define TLSRESUME_MAX_WAITING (8)

// Whether what Mbed TLS returns is 0, or minus an errno of the stream below: these end before
// PSA's errors, which Mbed TLS 4 returns, begin (-129).
#define IS_ERRNO(ret) ((ret) > -129)

// How upstream's SSLSocket begins (extmod/modtls_mbedtls.c) since MicroPython 1.21.
typedef struct _tlsresume_socket_t {
    mp_obj_base_t base;
    void *ssl_context;
    mp_obj_t sock; // MP_OBJ_NULL once closed or failed
    mbedtls_ssl_context ssl; // all zero once closed or failed
    uintptr_t poll_mask;
    int last_error; // that has ended the connection, or 0
} tlsresume_socket_t;

// session.c: Mbed TLS's sessions.

// The length of this session packed, in bytes; 0 for one that no server could resume, or that is
// longer than is kept. Does not allocate.
size_t session_len(mbedtls_ssl_session *session);

// Numbers for what the server would know this session by (its ticket, else its ID), and for what
// it is resumed with in TLS 1.2 (the master secret).
uint32_t session_mark(const mbedtls_ssl_session *session);
uint32_t session_secret_mark(const mbedtls_ssl_session *session);

// The session as a new bytearray, without the peer's certificate and name. Raises MemoryError.
mp_obj_t session_pack(mbedtls_ssl_session *session);

// The reverse: returns 0 or Mbed TLS's error; on success the caller frees the session.
int session_unpack(mbedtls_ssl_session *session, mp_obj_t packed);

// When the certificate that the peer has shown in this very session ends: year, month, day, hour,
// minute and second, a C int each, in bytes; or None.
mp_obj_t session_not_after(const mbedtls_ssl_session *session);

// Whether the peer has shown a certificate in this very session.
bool session_has_peer(const mbedtls_ssl_session *session);

// Have Mbed TLS offer a packed session; age_ms is that of its ticket. Returns false if it refuses:
// nothing is offered then.
bool session_offer(mbedtls_ssl_context *ssl, mp_obj_t packed, mp_uint_t age_ms);

// Wipe and free a session that is nobody's, if there is one.
void session_drop(mbedtls_ssl_session *session);

// adopt.c

MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(tlsresume_adopt_obj);
MP_DECLARE_CONST_FUN_OBJ_1(tlsresume_handshake_obj);

// harvest.c: what connections have to tell.

MP_DECLARE_CONST_FUN_OBJ_1(tlsresume_take_obj);
MP_DECLARE_CONST_FUN_OBJ_1(tlsresume_due_obj);

// nagle.c: TCP_NODELAY.

MP_DECLARE_CONST_FUN_OBJ_2(tlsresume_nagle_obj);
MP_DECLARE_CONST_FUN_OBJ_2(tlsresume_setsockopt_obj);
MP_DECLARE_CONST_FUN_OBJ_1(tlsresume_nodelay_obj); // where TLSRESUME_FILENO

// seal.c: AES-256-GCM.

typedef union _seal_args_t {
    mp_buffer_info_t all[4];
    struct {
        mp_buffer_info_t key, nonce, aad, data;
    };
} seal_args_t;

// Encrypt the data and their tag of 16 bytes into `out`, or decrypt both; `len` is that of `out`, which
// may be where the data are. Returns 0 or an error of Mbed TLS.
int seal_crypt(const seal_args_t *a, byte *out, size_t len, bool encrypt);

MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(tlsresume_seal_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(tlsresume_unseal_obj);

#if TLSRESUME_SERVER

// server.c: tickets for those who connect.

// Let the configuration of this connection give and open tickets by `state`, a bytearray that
// lib/tlsresume/server.py makes and keeps. Raises TypeError, ValueError.
void server_configure(mbedtls_ssl_context *ssl, mp_obj_t state);

// Count what became of a connection whose handshake is over.
void server_negotiated(const mbedtls_ssl_context *ssl);

// Whether it was resumed, from its ClientHello on.
bool server_resumed(const mbedtls_ssl_context *ssl);

MP_DECLARE_CONST_FUN_OBJ_3(tlsresume_accept_obj);

#endif

#endif // MICROPY_INCLUDED_TLSRESUME_H
