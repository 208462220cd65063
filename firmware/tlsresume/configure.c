// What a client's native context needs beyond upstream's configuration. Told at each adoption: the
// application may have changed it since.

#include "connection.h"

#include "mbedtls/ssl_ciphersuites.h"

#if TLSRESUME_TLS13
#include "psa/crypto.h"
#endif
#if TLSRESUME_PSA_RANDOM
#include "mbedtls/entropy.h"
#endif

// Mbed TLS's suites in our order, for all contexts; 0 at its end, and at its beginning until it is
// made. Not on the heap, which a soft reset takes away.
static int suites[64];

// AES-128-GCM with SHA-256 is what browsers prefer, and costs a resumed handshake of TLS 1.2 little
// more than half of what Mbed TLS's first choice does, AES-256-GCM with SHA-384. All of these have
// forward secrecy.
static bool is_preferred(int suite) {
    return suite == MBEDTLS_TLS1_3_AES_128_GCM_SHA256
           || suite == MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
           || suite == MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;
}

// The same suites, none left out and none added, with those first. What is too long stays as it is.
static void order_suites(mbedtls_ssl_config *conf) {
    const int *all = mbedtls_ssl_list_ciphersuites();
    if (conf->ciphersuite_list != all) {
        return; // set by the application, or ours already
    }
    const int *end = all;
    while (*end != 0) {
        ++end;
    }
    if (end - all >= (ptrdiff_t)MP_ARRAY_SIZE(suites)) {
        return;
    }
    if (suites[0] == 0) {
        int *p = suites;
        for (int preferred = 1; preferred >= 0; --preferred) {
            for (const int *suite = all; suite < end; ++suite) {
                if (is_preferred(*suite) == preferred) {
                    *p++ = *suite;
                }
            }
        }
    }
    mbedtls_ssl_conf_ciphersuites(conf, suites);
}

#if TLSRESUME_TLS13
// Whether there is a suite of TLS 1.3 (RFC 8446 B.4).
static bool has_tls13_suite(const int *suite) {
    while (*suite != 0 && (*suite & 0xff00) != 0x1300) {
        ++suite;
    }
    return *suite != 0;
}

static void configure_tls13(mbedtls_ssl_config *conf) {
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
    // Mbed TLS 4 signals tickets without being told.
    #if MBEDTLS_VERSION_NUMBER >= 0x03060100 && MBEDTLS_VERSION_NUMBER < 0x04000000
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(conf, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    #endif
}
#endif

void configure_client(mbedtls_ssl_context *ssl) {
    mbedtls_ssl_config *conf = (mbedtls_ssl_config *)ssl->conf;
    order_suites(conf);
    #if TLSRESUME_TLS13
    configure_tls13(conf);
    ssl->tls_version = conf->max_tls_version; // mbedtls_ssl_setup has taken it before
    #endif
}

#if TLSRESUME_PSA_RANDOM
// PSA's own generator would lie in MicroPython's heap, and outlive it at a soft reset. What the
// board's entropy is mixed to here lies on the stack.
psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *context, uint8_t *output, size_t output_size, size_t *output_length) {
    (void)context;
    *output_length = output_size;
    mbedtls_entropy_context entropy;
    mbedtls_entropy_init(&entropy);
    int ret = 0;
    while (output_size > 0 && ret == 0) {
        size_t len = MIN(output_size, MBEDTLS_ENTROPY_BLOCK_SIZE);
        ret = mbedtls_entropy_func(&entropy, output, len);
        output += len;
        output_size -= len;
    }
    mbedtls_entropy_free(&entropy);
    return ret == 0 ? PSA_SUCCESS : PSA_ERROR_INSUFFICIENT_ENTROPY;
}
#endif
