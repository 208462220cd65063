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

// Whether a session of TLS 1.3 has the server's name in it.
#if TLSRESUME_TLS13 && defined(MBEDTLS_SSL_SERVER_NAME_INDICATION)
#define TLSRESUME_HOSTNAME (1)
#else
#define TLSRESUME_HOSTNAME (0)
#endif

// The board as a server gives session tickets, and takes them back.
#ifndef TLSRESUME_SERVER
#define TLSRESUME_SERVER (1)
#endif
#if !defined(MBEDTLS_SSL_SRV_C) || !defined(MBEDTLS_SSL_SESSION_TICKETS)
#undef TLSRESUME_SERVER
#define TLSRESUME_SERVER (0)
#endif

// Sessions of closed connections that wait to be taken, at most; the oldest goes.
#define TLSRESUME_MAX_CLOSED (16)

// TLS 1.3 tickets of one connection that wait to be taken, at most; the oldest goes.
#define TLSRESUME_MAX_TICKETS (4)

// The longest of them in bytes; lib/tlsresume/entry.py keeps no more.
#define TLSRESUME_MAX_TICKET_LEN (2048)

// How upstream's SSLSocket begins (extmod/modtls_mbedtls.c) since MicroPython 1.21.
typedef struct _tlsresume_socket_t {
    mp_obj_base_t base;
    void *ssl_context;
    mp_obj_t sock; // MP_OBJ_NULL once closed or failed
    mbedtls_ssl_context ssl; // all zero once closed or failed
} tlsresume_socket_t;

// session.c: Mbed TLS's sessions.

// Whether a server could resume this session.
bool session_resumable(const mbedtls_ssl_session *session);

// The peer's certificate, or what the configuration keeps of it (ssl.h); NULL if the peer has
// not proved its identity within this very session.
#if defined(MBEDTLS_SSL_KEEP_PEER_CERTIFICATE)
#define SESSION_PEER(session) ((session)->peer_cert)
#else
#define SESSION_PEER(session) ((session)->peer_cert_digest)
#endif

// A number for what the server would know this session by: its ticket, else its ID.
uint32_t session_mark(const mbedtls_ssl_session *session);

// Whether a negotiated session that was offered under this mark is resumed. One that is not loses
// the ticket that Mbed TLS has kept: it does not fit the new secret.
bool session_resumed(mbedtls_ssl_session *session, uint32_t offered_mark);

// The lifetime of a TLS 1.2 session that the server hints at, in seconds, 0 for none; or None.
mp_obj_t session_lifetime(const mbedtls_ssl_session *session);

// The session of a negotiated connection as a new bytearray, without the peer's certificate and
// name. Raises MemoryError.
mp_obj_t session_pack(mbedtls_ssl_session *session);

// The reverse: returns 0 or Mbed TLS's error; on success the caller frees the session.
int session_unpack(mbedtls_ssl_session *session, mp_obj_t packed);

// offer.c: put a packed session into the ClientHello to come; age is that of its ticket in ms.
// Returns false if Mbed TLS refuses it: nothing is offered then.
bool session_offer(mbedtls_ssl_context *ssl, mp_obj_t packed, mp_uint_t age_ms);

// sslsocket.c: adoption.

MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(tlsresume_adopt_obj);
MP_DECLARE_CONST_FUN_OBJ_2(tlsresume_handshake_obj);

// harvest.c: what connections have to tell.

MP_DECLARE_CONST_FUN_OBJ_1(tlsresume_take_obj);
MP_DECLARE_CONST_FUN_OBJ_1(tlsresume_due_obj);

// seal.c: AES-256-GCM.

// Seal `len` bytes from `in` to `out`, which may be the same, or open them; tag of 16 bytes. Returns
// Mbed TLS's error. Takes no memory from MicroPython's heap.
int seal_gcm(bool encrypt, const byte *key, const byte *nonce, size_t nonce_len, const byte *aad, size_t aad_len, const byte *in, size_t len, byte *out, byte *tag);

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
