// The board as a server: session tickets (RFC 5077, RFC 8446 4.6.1), given and opened by callbacks of
// Mbed TLS. A ticket is
//   name of the key | nonce | AES-256-GCM of (made | proof | length | session | certificate) | tag
// with the times at which it was made and at which the client last went through a full handshake, the
// session as Mbed TLS packs it, and in TLS 1.3, where that leaves it out, the client's certificate.
//
// A callback is told of no connection, and a step of Mbed TLS runs all that regards one ClientHello:
// ticket_parse, perhaps several times, then hello_parsed, which knows the connection, and the answer.

#include "tlsresume.h"

#if TLSRESUME_SERVER

#include <string.h>

#include "py/mphal.h"
#include "py/runtime.h"
#include "mbedtls/platform.h"
#include "mbedtls/platform_util.h"
#include "mbedtls/platform_time.h"
#include "../library/ssl_misc.h" // of the handshake: whether it resumes, and its extended master secret

#define NAME_LEN (4)
#define NONCE_LEN (12)
#define HEAD_LEN (NAME_LEN + NONCE_LEN)
#define TIMES_LEN (4 + 4 + 2)
#define TAG_LEN (16)

#define CEILING_TLS12 (24 * 3600) // s, RFC 5246 F.1.4
#define CEILING_TLS13 (7 * 24 * 3600) // s, RFC 8446 4.6.1

#if defined(MBEDTLS_SSL_EXTENDED_MASTER_SECRET)
#define EXTENDED_MASTER_SECRET(ssl) ((ssl)->handshake->extended_ms)
#else
#define EXTENDED_MASTER_SECRET(ssl) (true)
#endif

// What becomes of a connection, in the order of lib/tlsresume/server.py.
enum {
    NO_TICKET, // a full handshake: none came
    RESUMED,
    FOREIGN, // of another key or configuration, or changed on its way
    EXPIRED,
    UNPROVEN, // the client's last full handshake is too long ago, or its certificate has expired
    UNUSABLE, // for want of memory, or to Mbed TLS
    N_OUTCOMES,
};

typedef struct _ticket_key_t {
    byte name[NAME_LEN];
    byte key[32];
} ticket_key_t;

// Python's bytearray; conf.p_ticket keeps it alive as long as there are connections.
typedef struct _server_t {
    // Written by Python.
    uint32_t generation; // of the keys below; 0: no ticket is given, and none opens
    uint32_t lifetime; // of a ticket in s
    uint32_t now; // s, at the last accept
    uint32_t num_tickets; // after a full handshake of TLS 1.3
    ticket_key_t keys[2]; // the first one seals
    // Written here, and by Python only read.
    uint32_t outcomes[N_OUTCOMES];
    // Of this file alone.
    mp_uint_t now_ms; // when it was now
    const mbedtls_ssl_config *conf;
    uint8_t outcome; // of the ClientHello that is being parsed
    #if TLSRESUME_TLS13
    // The ticket of TLS 1.3 that was opened last: of it, Mbed TLS passes on no more than the secret.
    byte secret[MBEDTLS_SSL_TLS1_3_TICKET_RESUMPTION_KEY_LEN];
    uint32_t proof;
    byte *peer;
    size_t peer_len;
    #endif
} server_t;

// What of a server's session is the client's alone serves as a note, from the ClientHello to the ticket.
#define NOTED_GENERATION(session) ((session)->ticket_lifetime) // 0: no ticket
#define NOTED_PROOF(session) ((session)->master) // TLS 1.3; 0: within this handshake

static bool is_tls13(const mbedtls_ssl_session *session) {
    return TLSRESUME_TLS13 && session->tls_version != MBEDTLS_SSL_VERSION_TLS1_2;
}

// Seal or open, in its place, what stands behind the head of a ticket.
static int ticket_crypt(const ticket_key_t *k, byte *ticket, size_t len, bool encrypt) {
    byte *sealed = ticket + HEAD_LEN;
    seal_args_t a = {
        .key = { (void *)k->key, sizeof(k->key), 'B' },
        .nonce = { ticket + NAME_LEN, NONCE_LEN, 'B' },
        .aad = { NULL, 0, 'B' },
        .data = { sealed, len, 'B' },
    };
    return seal_crypt(&a, sealed, encrypt ? len + TAG_LEN : len - TAG_LEN, encrypt);
}

static uint32_t server_now(const server_t *s) {
    return s->now + (mp_uint_t)(mp_hal_ticks_ms() - s->now_ms) / 1000;
}

static uint32_t server_ceiling(const mbedtls_ssl_session *session) {
    return is_tls13(session) ? CEILING_TLS13 : CEILING_TLS12;
}

/******************************************************************************/
// The ticket that is given.

// The proof that a resumed session inherits.
static uint32_t inherited_proof(const mbedtls_ssl_session *session, uint32_t now) {
    uint32_t proof = 0;
    if (is_tls13(session)) {
        memcpy(&proof, NOTED_PROOF(session), sizeof(proof));
    }
    return proof != 0 ? proof : now;
}

// Appends the certificate that Mbed TLS does not pack. Returns its length, or -1 if there is no room.
static int save_peer(const mbedtls_ssl_session *session, byte *buf, size_t room) {
    #if TLSRESUME_TLS13
    if (is_tls13(session) && session->peer_cert != NULL) {
        const mbedtls_x509_buf *raw = &session->peer_cert->raw;
        if (raw->len > room) {
            return -1;
        }
        memcpy(buf, raw->p, raw->len);
        return raw->len;
    }
    #endif
    return 0;
}

// Returns the length of the ticket, 0 if there is none to be had.
static size_t seal_ticket(server_t *s, const mbedtls_ssl_session *session, byte *out, size_t room) {
    // Under another generation some of this handshake's checks were another configuration's.
    uint32_t generation = s->generation;
    if (generation == 0 || NOTED_GENERATION(session) != generation || room < HEAD_LEN + TIMES_LEN + TAG_LEN) {
        return 0;
    }
    const ticket_key_t *k = &s->keys[0];
    byte *sealed = out + HEAD_LEN;
    room -= HEAD_LEN + TIMES_LEN + TAG_LEN;
    size_t len;
    if (mbedtls_ssl_session_save(session, sealed + TIMES_LEN, room, &len) != 0) {
        return 0;
    }
    uint32_t now = server_now(s);
    MBEDTLS_PUT_UINT32_BE(now, sealed, 0);
    MBEDTLS_PUT_UINT32_BE(inherited_proof(session, now), sealed, 4);
    MBEDTLS_PUT_UINT16_BE(len, sealed, 8);
    int peer_len = save_peer(session, sealed + TIMES_LEN + len, room - len);
    memcpy(out, k->name, NAME_LEN);
    if (peer_len < 0 || s->conf->f_rng(s->conf->p_rng, out + NAME_LEN, NONCE_LEN) != 0) {
        return 0;
    }
    len += TIMES_LEN + peer_len;
    int ret = ticket_crypt(k, out, len, true);
    // Sealed with keys that changed meanwhile, in another thread, it opens for nobody.
    return ret == 0 && s->generation == generation ? HEAD_LEN + len + TAG_LEN : 0;
}

// Never an error, which would end a handshake of TLS 1.3.
static int ticket_write(void *p_ticket, const mbedtls_ssl_session *session, unsigned char *out, const unsigned char *end, size_t *len, uint32_t *lifetime) {
    server_t *s = p_ticket;
    *lifetime = MIN(s->lifetime, server_ceiling(session));
    *len = seal_ticket(s, session, out, end - out);
    if (*len == 0) {
        // Nothing in TLS 1.2 (RFC 5077 3.3); in 1.3 a ticket is not empty, but lives for no time.
        *out = 0;
        *len = is_tls13(session);
        *lifetime = 0;
    }
    return 0;
}

/******************************************************************************/
// The ticket that comes back.

#if TLSRESUME_TLS13
static int load_peer(mbedtls_ssl_session *session, const byte *der, size_t len) {
    session->peer_cert = mbedtls_calloc(1, sizeof(mbedtls_x509_crt));
    if (session->peer_cert == NULL) {
        return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    }
    mbedtls_x509_crt_init(session->peer_cert);
    return mbedtls_x509_crt_parse_der(session->peer_cert, der, len);
}

// Mbed TLS forgets the session of a ticket that it finds no use for.
static void free_peer(mbedtls_ssl_session *session) {
    if (session->peer_cert != NULL) {
        mbedtls_x509_crt_free(session->peer_cert);
        mbedtls_free(session->peer_cert);
        session->peer_cert = NULL;
    }
}

// Keep what Mbed TLS does not pass on. Returns false for want of memory.
static bool keep_note(server_t *s, const mbedtls_ssl_session *session, uint32_t proof, const byte *der, size_t len) {
    byte *peer = NULL;
    if (len > 0) {
        if ((peer = m_new_maybe(byte, len)) == NULL) {
            return false;
        }
        memcpy(peer, der, len);
    }
    memcpy(s->secret, session->resumption_key, sizeof(s->secret));
    s->proof = proof;
    s->peer = peer;
    s->peer_len = len;
    return true;
}
#endif

static bool peer_expired(const mbedtls_ssl_session *session) {
    #if defined(MBEDTLS_SSL_KEEP_PEER_CERTIFICATE)
    return session->peer_cert != NULL && mbedtls_x509_time_is_past(&session->peer_cert->valid_to);
    #else
    return false;
    #endif
}

static const ticket_key_t *find_key(const server_t *s, const byte *name) {
    for (size_t i = 0; i < MP_ARRAY_SIZE(s->keys); ++i) {
        if (s->generation != 0 && memcmp(s->keys[i].name, name, NAME_LEN) == 0) {
            return &s->keys[i];
        }
    }
    return NULL;
}

// Whatever is opened here was sealed here: lengths are right.
static uint8_t load_ticket(server_t *s, mbedtls_ssl_session *session, const byte *opened, size_t len) {
    uint32_t now = server_now(s);
    uint32_t age = now - MBEDTLS_GET_UINT32_BE(opened, 0); // huge if the clock was set back
    uint32_t proof = MBEDTLS_GET_UINT32_BE(opened, 4);
    size_t session_len = MBEDTLS_GET_UINT16_BE(opened, 8);
    opened += TIMES_LEN;
    len -= TIMES_LEN;
    if (age > s->lifetime) {
        return EXPIRED;
    }
    if (session_len > len || mbedtls_ssl_session_load(session, opened, session_len) != 0) {
        return UNUSABLE;
    }
    #if TLSRESUME_TLS13
    if (is_tls13(session)) {
        #if defined(MBEDTLS_HAVE_TIME)
        session->ticket_creation_time = mbedtls_ms_time() - (mbedtls_ms_time_t)age * 1000; // it may have been reset since
        #endif
        const byte *der = opened + session_len;
        size_t der_len = len - session_len;
        if (der_len > 0 && load_peer(session, der, der_len) != 0) {
            return UNUSABLE;
        }
        bool expired = peer_expired(session);
        free_peer(session);
        if (expired) {
            return UNPROVEN;
        }
        if (!keep_note(s, session, proof, der, der_len)) {
            return UNUSABLE;
        }
    }
    #endif
    return now - proof > server_ceiling(session) || peer_expired(session) ? UNPROVEN : RESUMED;
}

static uint8_t open_ticket(server_t *s, mbedtls_ssl_session *session, byte *buf, size_t len) {
    const ticket_key_t *k = NULL;
    if (len < HEAD_LEN + TIMES_LEN + TAG_LEN || (k = find_key(s, buf)) == NULL) {
        return FOREIGN;
    }
    len -= HEAD_LEN + TAG_LEN;
    byte *sealed = buf + HEAD_LEN;
    if (ticket_crypt(k, buf, len + TAG_LEN, false) != 0) {
        return FOREIGN;
    }
    uint8_t outcome = load_ticket(s, session, sealed, len);
    mbedtls_platform_zeroize(sealed, len); // a part of the ClientHello, or of a copy, that is not looked at again
    return outcome;
}

static int ticket_parse(void *p_ticket, mbedtls_ssl_session *session, unsigned char *buf, size_t len) {
    server_t *s = p_ticket;
    s->outcome = open_ticket(s, session, buf, len);
    switch (s->outcome) {
        case RESUMED:
            return 0;
        case FOREIGN:
            return MBEDTLS_ERR_SSL_INVALID_MAC; // it may be the identity of a pre-shared key
        default:
            return MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED; // and who called frees the session
    }
}

#if TLSRESUME_TLS13
// The rest of the ticket, if it is the one that was opened last: another thread's may have been since.
static bool take_note(server_t *s, mbedtls_ssl_session *session) {
    const byte *peer = s->peer;
    size_t peer_len = s->peer_len;
    memcpy(NOTED_PROOF(session), &s->proof, sizeof(s->proof));
    bool found = memcmp(s->secret, session->resumption_key, session->resumption_key_len) == 0;
    mbedtls_platform_zeroize(s->secret, sizeof(s->secret));
    s->peer = NULL;
    return found && (peer == NULL || load_peer(session, peer, peer_len) == 0);
}
#endif

// The ClientHello has been parsed (mbedtls_ssl_conf_cert_cb), and whether to resume decided.
static int hello_parsed(mbedtls_ssl_context *ssl) {
    server_t *s = ssl->conf->p_ticket;
    mbedtls_ssl_session *session = ssl->session_negotiate;
    bool resumed = ssl->handshake->resume;
    bool refused = false;
    NOTED_GENERATION(session) = s->generation;
    if (ssl->tls_version == MBEDTLS_SSL_VERSION_TLS1_2) {
        if (!EXTENDED_MASTER_SECRET(ssl)) {
            NOTED_GENERATION(session) = 0; // no ticket, and none is accepted (RFC 7627 5.3)
            refused = resumed;
        }
        // Mbed TLS takes a ticket of TLS 1.3 here, and its master secret, which is zeros.
        refused |= is_tls13(session);
    #if TLSRESUME_TLS13
    } else if (resumed && !take_note(s, session)) {
        NOTED_GENERATION(session) = 0;
    #endif
    }
    if (resumed != (s->outcome == RESUMED)) {
        s->outcome = resumed ? RESUMED : UNUSABLE;
    }
    mbedtls_ssl_set_user_data_n(ssl, s->outcome);
    s->outcome = NO_TICKET;
    return refused ? MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE : 0;
}

/******************************************************************************/
// Connections.

bool server_resumed(const mbedtls_ssl_context *ssl) {
    return ssl->user_data.n == RESUMED;
}

void server_negotiated(const mbedtls_ssl_context *ssl) {
    server_t *s = ssl->conf->p_ticket;
    if (s != NULL) {
        mp_uint_t atomic_state = MICROPY_BEGIN_ATOMIC_SECTION();
        ++s->outcomes[ssl->user_data.n];
        MICROPY_END_ATOMIC_SECTION(atomic_state);
    }
}

void server_configure(mbedtls_ssl_context *ssl, mp_obj_t state) {
    MP_STATIC_ASSERT(offsetof(server_t, outcomes) == 16 + 2 * 36); // as in server.py
    mp_buffer_info_t bufinfo;
    mp_get_buffer_raise(state, &bufinfo, MP_BUFFER_RW);
    if (bufinfo.len < sizeof(server_t)) {
        mp_raise_type(&mp_type_ValueError); // by whoever calls the C module itself
    }
    server_t *s = bufinfo.buf;
    mbedtls_ssl_config *conf = (mbedtls_ssl_config *)ssl->conf;
    s->now_ms = mp_hal_ticks_ms();
    s->conf = conf;
    mbedtls_ssl_set_user_data_n(ssl, NO_TICKET);
    mbedtls_ssl_conf_session_tickets_cb(conf, ticket_write, ticket_parse, s);
    mbedtls_ssl_conf_cert_cb(conf, hello_parsed);
    #if TLSRESUME_TLS13
    // Mbed TLS's default has psk_ke, without forward secrecy, which an application's own keys may need.
    #if defined(MBEDTLS_SSL_HANDSHAKE_WITH_PSK_ENABLED)
    if (conf->psk_identity == NULL && conf->f_psk == NULL)
    #endif
    {
        mbedtls_ssl_conf_tls13_key_exchange_modes(conf, MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ALL);
    }
    mbedtls_ssl_conf_new_session_tickets(conf, s->num_tickets);
    ssl->handshake->new_session_tickets_count = s->num_tickets; // which was set up before
    #endif
}

#endif // TLSRESUME_SERVER
