// A client on Mbed TLS alone, for tools/bench.py to compare with: connects TIMES times, always
// in full or resuming after the first.
//
//   bare_client PORT CA.der full|resumed TIMES

#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mbedtls/ctr_drbg.h"
#include "mbedtls/entropy.h"
#include "mbedtls/ssl.h"
#include "mbedtls/x509_crt.h"
#if defined(MBEDTLS_PSA_CRYPTO_C)
#include "psa/crypto.h"
#endif

// What MicroPython's configuration of Mbed TLS asks of it.
void *m_tracked_calloc(size_t nmemb, size_t size) {
    return calloc(nmemb, size);
}

void m_tracked_free(void *ptr) {
    free(ptr);
}

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *olen) {
    *olen = getrandom(output, len, 0);
    return 0;
}

static void check(int ret, const char *what) {
    if (ret != 0) {
        fprintf(stderr, "%s: -0x%04x\n", what, -ret);
        exit(1);
    }
}

static int send_all(void *ctx, const unsigned char *buf, size_t len) {
    return (int)send(*(int *)ctx, buf, len, 0);
}

static int receive(void *ctx, unsigned char *buf, size_t len) {
    return (int)recv(*(int *)ctx, buf, len, 0);
}

static int open_socket(int port) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    check(connect(s, (struct sockaddr *)&address, sizeof(address)), "connect");
    return s;
}

#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
// The package's order (firmware/tlsresume/ticket.c): Mbed TLS's own is refused by itself.
static const uint16_t sig_algs[] = {
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,
    MBEDTLS_TLS1_3_SIG_NONE,
};
#endif

// TLS 1.3 sends its ticket after the handshake: read until it is there.
static void get_session(mbedtls_ssl_context *ssl, mbedtls_ssl_session *session) {
    if (ssl->tls_version == MBEDTLS_SSL_VERSION_TLS1_3) {
        unsigned char none;
        int ret;
        do {
            ret = mbedtls_ssl_read(ssl, &none, 0);
        } while (ret == MBEDTLS_ERR_SSL_WANT_READ);
    }
    check(mbedtls_ssl_get_session(ssl, session), "get_session");
}

int main(int argc, char **argv) {
    int port = atoi(argv[1]), resume = strcmp(argv[3], "resumed") == 0, times = atoi(argv[4]);
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context rng;
    mbedtls_x509_crt ca;
    mbedtls_ssl_config conf;
    mbedtls_ssl_session session;
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&rng);
    mbedtls_x509_crt_init(&ca);
    mbedtls_ssl_config_init(&conf);
    mbedtls_ssl_session_init(&session);
    check(mbedtls_ctr_drbg_seed(&rng, mbedtls_entropy_func, &entropy, NULL, 0), "seed");
    #if defined(MBEDTLS_PSA_CRYPTO_C)
    check(psa_crypto_init(), "psa_crypto_init");
    #endif
    static unsigned char der[4096];
    FILE *f = fopen(argv[2], "rb");
    size_t len = f == NULL ? 0 : fread(der, 1, sizeof(der), f);
    check(mbedtls_x509_crt_parse_der(&ca, der, len), "CA");
    mbedtls_ssl_config_defaults(&conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    mbedtls_ssl_conf_authmode(&conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&conf, &ca, NULL);
    // The order of the C module's.
    static const int suites[] = {
        MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
        MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        0,
    };
    mbedtls_ssl_conf_ciphersuites(&conf, suites);
    mbedtls_ssl_conf_rng(&conf, mbedtls_ctr_drbg_random, &rng);
    #if defined(MBEDTLS_SSL_PROTO_TLS1_3)
    mbedtls_ssl_conf_sig_algs(&conf, sig_algs);
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(&conf, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    #endif

    for (int i = 0; i < times; ++i) {
        int s = open_socket(port);
        mbedtls_ssl_context ssl;
        mbedtls_ssl_init(&ssl);
        check(mbedtls_ssl_setup(&ssl, &conf), "setup");
        check(mbedtls_ssl_set_hostname(&ssl, "localhost"), "hostname");
        if (resume && i > 0) {
            check(mbedtls_ssl_set_session(&ssl, &session), "set_session");
        }
        mbedtls_ssl_set_bio(&ssl, &s, send_all, receive, NULL);
        check(mbedtls_ssl_handshake(&ssl), "handshake");
        if (resume) {
            mbedtls_ssl_session_free(&session);
            mbedtls_ssl_session_init(&session);
            get_session(&ssl, &session);
        }
        mbedtls_ssl_close_notify(&ssl);
        mbedtls_ssl_free(&ssl);
        close(s);
    }
    return 0;
}
