// What resumption needs beyond the port's own Mbed TLS configuration, after which Mbed TLS
// includes this file (MBEDTLS_USER_CONFIG_FILE).
#ifndef MICROPY_INCLUDED_MBEDTLS_CONFIG_TLSRESUME_H
#define MICROPY_INCLUDED_MBEDTLS_CONFIG_TLSRESUME_H

// RFC 5077 tickets; session IDs need no option.
#ifndef MBEDTLS_SSL_SESSION_TICKETS
#define MBEDTLS_SSL_SESSION_TICKETS
#endif

// Binds a session to its handshake, without which it may be another's (RFC 7627 5.3: some servers
// resume no other one).
#ifndef MBEDTLS_SSL_EXTENDED_MASTER_SECRET
#define MBEDTLS_SSL_EXTENDED_MASTER_SECRET
#endif

// Upstream leaves out the fast reduction for NIST's curves: a full handshake takes 3 to 5
// times as long without it.
#ifndef MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_ECP_NIST_OPTIM
#endif

// Its big numbers in the processor's own instructions, where Mbed TLS has them.
#ifndef MBEDTLS_HAVE_ASM
#define MBEDTLS_HAVE_ASM
#endif

#if TLSRESUME_WITH_TLS13
#define MBEDTLS_SSL_PROTO_TLS1_3
// Middleboxes drop a TLS 1.3 that does not look like a resumed 1.2 (RFC 8446 D.4).
#define MBEDTLS_SSL_TLS1_3_COMPATIBILITY_MODE
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ENABLED
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL_ENABLED
// How far two clocks may run apart over the life of a ticket: a matter of early data alone (RFC 8446
// 4.2.10), of which there is none.
#define MBEDTLS_SSL_TLS1_3_TICKET_AGE_TOLERANCE (7 * 24 * 3600 * 1000)
// Required by check_config.h for TLS 1.3.
#define MBEDTLS_SSL_KEEP_PEER_CERTIFICATE
#define MBEDTLS_PSA_CRYPTO_C
#define MBEDTLS_HKDF_C
// PSA keeps keys and random numbers for all threads, and the unix port runs them at once. Asked of
// the compiler, since Mbed TLS's own files know nothing of MicroPython's configuration.
#if defined(__unix__) || defined(__APPLE__)
#define MBEDTLS_THREADING_C
#define MBEDTLS_THREADING_PTHREAD
#elif MBEDTLS_VERSION_NUMBER < 0x04000000
// See configure.c. Mbed TLS 4 keeps its entropy to itself.
#define MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG
#define TLSRESUME_PSA_RANDOM (1)
#endif
// RSA certificates sign with PSS in TLS 1.3 (RFC 8446 4.2.3).
#define MBEDTLS_PKCS1_V21
#define MBEDTLS_X509_RSASSA_PSS_SUPPORT
// Mbed TLS 3 cannot build TLS 1.3 next to upstream's DTLS without its anti-replay.
#undef MBEDTLS_SSL_PROTO_DTLS
#endif

#endif // MICROPY_INCLUDED_MBEDTLS_CONFIG_TLSRESUME_H
